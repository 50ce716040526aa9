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
        return naming_folder(source, "root") / Path(source.root).expanduser()
    value = os.environ.get(VARIABLE, "")
    if not value:
        return None
    root = Path(value).expanduser()
    if root.exists() and not root.is_dir():
        raise UsageError(f"{VARIABLE}={value}: not a folder")
    return root


def naming_folder(source: Source, field: str) -> Path:
    """Return the folder of the file that wrote a field; the current one for ``--set`` and Python."""
    mark = source.marks.get(field)
    if mark is None or not os.path.isfile(mark.file):
        return Path.cwd()
    return Path(mark.file).absolute().parent


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
    root = data_root(source)
    bases = [naming_folder(source, field)]
    if root is not None:
        bases += [root / source.type_name, root]
    found = next((base for base in bases if (base / path).exists()), bases[0])
    whole = Path(os.path.realpath(found / path))
    if not whole.is_relative_to(os.path.realpath(found)):
        raise DataError(f"{field}: {path}: leads out of {found}, to {whole}; write the absolute path if it is meant")
    return found / path


def spelled_out(source: Source, field: str) -> str:
    """Return a path field as an absolute path, so that a resolved spec means the same from any folder."""
    path = str(getattr(source, field))
    if field == "root":
        return str(naming_folder(source, field) / Path(path).expanduser())
    return str(resolve(source, field, path).absolute())


def hint(folders: tuple[Path, ...]) -> str:
    """Return what to do when the files are nowhere."""
    if not folders:
        return f"no data root: set data.root in the spec, --set data.root=DIR, or {VARIABLE}"
    return "looked in " + ", ".join(str(folder) for folder in folders)
