"""Where a source's files are looked for: next to the naming file, then under the data root.

A relative path may not leave the folder it is taken from, neither by ``..`` nor
by a link; an absolute path says what it means and is taken as it is.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from runtime.errors import DataError, UsageError

if TYPE_CHECKING:
    from netspec.sources.base import Source

VARIABLE = "NETSPEC_DATA"


def escapes(path: str) -> bool:
    """Tell whether a relative path climbs out of the folder it starts in."""
    return not os.path.isabs(path) and os.path.normpath(path).split(os.sep)[0] == ".."


def data_root(source: Source) -> Path | None:
    """Return the data root: ``data.root``, else NETSPEC_DATA, else None.

    Raises
    ------
    UsageError
        NETSPEC_DATA names something that is there and is not a folder.
    """
    if source.root is not None:
        return naming_folder(source, "root") / os.path.expanduser(source.root)
    value = os.environ.get(VARIABLE, "")
    if not value:
        return None
    root = Path(os.path.expanduser(value))
    if os.path.exists(root) and not os.path.isdir(root):
        raise UsageError(f"{VARIABLE}={value}: not a folder")
    return root


def naming_folder(source: Source, field: str) -> Path:
    """Return the folder of the file that wrote a field; the current one for ``--set`` and Python.

    What it was when the source was read: a later change of the current folder moves nothing.
    """
    folders: dict[str, Path] = vars(source).setdefault("_folders", {})
    if field not in folders:
        mark = source.marks.get(field)
        in_file = mark is not None and os.path.isfile(mark.file)
        folders[field] = Path(mark.file).absolute().parent if mark is not None and in_file else Path.cwd()
    return folders[field]


def search_folders(source: Source, *inner: str) -> tuple[Path, ...]:
    """Return the folders in which a named source looks, the likeliest first.

    Parameters
    ----------
    source : Source
        A source whose files have fixed names (``mnist``).
    inner : str
        Folder names the public archives unpack to (``cifar-10-batches-bin``).
    """
    root = data_root(source)
    if root is None:
        return ()
    bases = (root / source.type_name, root)
    return tuple(folder for base in bases for folder in (base, *(base / name for name in inner)))


def resolve(source: Source, field: str, path: str) -> Path:
    """Return the file a path field names: beside the naming file, else under the data root.

    Raises
    ------
    DataError
        A relative path that leaves its folder, by ``..`` or through a link.
    """
    if os.path.isabs(path):
        return Path(path)
    found = _base(source, field, path)
    whole = stray(source, field, path)
    if whole is not None:
        raise DataError(f"{field}: {path}: leads out of {found}, to {whole}; write the absolute path if it is meant")
    return found / path


def stray(source: Source, field: str, path: str) -> Path | None:
    """Return where a relative path leads if that is in no folder it may be taken from, else None."""
    if os.path.isabs(path):
        return None
    whole = Path(os.path.realpath(_base(source, field, path) / path))
    inside = any(whole.is_relative_to(os.path.realpath(base)) for base in _bases(source, field))
    return None if inside else whole


def _base(source: Source, field: str, path: str) -> Path:
    bases = _bases(source, field)
    return next((base for base in bases if os.path.exists(base / path)), bases[0])


def _bases(source: Source, field: str) -> list[Path]:
    root = data_root(source)
    beside = naming_folder(source, field)
    return [beside] if root is None else [beside, root / source.type_name, root]


def spelled_out(source: Source, field: str) -> str:
    """Return a path field as an absolute path, so that a resolved spec means the same from any folder."""
    path = str(getattr(source, field))
    if field == "root":
        return str(naming_folder(source, field) / os.path.expanduser(path))
    return str(resolve(source, field, path).absolute())


def hint(folders: tuple[Path, ...], name: str) -> str:
    """Return what to do when the files of a named source are nowhere."""
    ready = "`netspec train digits` needs no files"
    if not folders:
        root = f"no data root: set data.root in the spec, --set data.root=DIR, or {VARIABLE}"
        return f"{root}, to the folder that holds them or a folder {name} of them; {ready}"
    return f"looked in {', '.join(str(folder) for folder in folders)}; {ready}"
