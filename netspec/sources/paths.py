"""Where a source's files are looked for: next to the naming file, then under the data root.

A relative path may not leave the folder it is taken from by ``..``, nor that of the
naming file by a link: specs come from elsewhere. What links lie in the data root is
its owner's choice. An absolute path says what it means and is taken as it is.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from netspec.spec.fields import Entry, Problem
from runtime.data.listing import leaves
from runtime.errors import DataError, UsageError

VARIABLE = "NETSPEC_DATA"


def problems(entry: Entry, fields: Iterable[str]) -> Iterator[Problem]:
    """Yield the fields whose relative path leaves its folder; nothing is opened."""
    for name in fields:
        path = getattr(entry, name)
        if path is None:
            continue
        whole = None if leaves(path) else stray(entry, name, path)
        if whole is not None or leaves(path):
            message = f"{name.rstrip('_')}: {path!r} leaves the folder of the spec" + (f", to {whole}" if whole else "")
            yield Problem("E653", name, message, "write an absolute path, or a path below data.root")


def data_root(entry: Entry) -> Path | None:
    """Return the data root: the source's own ``root``, else NETSPEC_DATA, else None.

    Raises
    ------
    UsageError
        NETSPEC_DATA names something that is there and is not a folder.
    """
    own: str | None = getattr(entry, "root", None)
    if own is not None:
        return naming_folder(entry, "root") / os.path.expanduser(own)
    return common_root()


def common_root() -> Path | None:
    """Return the data root of sources that name none: NETSPEC_DATA, else None.

    Raises
    ------
    UsageError
        NETSPEC_DATA names something that is there and is not a folder.
    """
    value = os.environ.get(VARIABLE, "")
    if not value:
        return None
    root = Path(os.path.expanduser(value))
    if os.path.exists(root) and not os.path.isdir(root):
        raise UsageError(f"{VARIABLE}={value}: not a folder")
    return root


def naming_folder(entry: Entry, field: str) -> Path:
    """Return the folder of the file that wrote a field; the current one for ``--set`` and Python.

    What it was when the source was read: a later change of the current folder moves nothing.
    """
    folders: dict[str, Path] = vars(entry).setdefault("_folders", {})
    if field not in folders:
        mark = entry.marks.get(field)
        in_file = mark is not None and os.path.isfile(mark.file)
        folders[field] = Path(mark.file).absolute().parent if mark is not None and in_file else Path.cwd()
    return folders[field]


def search_folders(entry: Entry, *inner: str) -> tuple[Path, ...]:
    """Return the folders in which a named source looks, the likeliest first.

    Parameters
    ----------
    entry : Entry
        A source whose files have fixed names (``mnist``).
    inner : str
        Folder names the public archives unpack to (``cifar-10-batches-bin``).
    """
    root = data_root(entry)
    if root is None:
        return ()
    bases = (root / entry.type_name, root)
    return tuple(folder for base in bases for folder in (base, *(base / name for name in inner)))


def resolve(entry: Entry, field: str, path: str) -> Path:
    """Return the file a path field names: beside the naming file, else under the data root.

    Raises
    ------
    DataError
        A relative path that leaves its folder, by ``..`` or through a link.
    """
    if os.path.isabs(path):
        return Path(path)
    found = _base(entry, field, path)
    whole = stray(entry, field, path)
    if whole is not None:
        raise DataError(
            f"{field.rstrip('_')}: {path}: leads out of {found}, to {whole}; write the absolute path if it is meant"
        )
    return found / path


def find(entry: Entry, field: str, path: str) -> Path:
    """Return the file a path field names, for somebody who is about to open it.

    Raises
    ------
    DataError
        It is nowhere (with the folders that were looked in), or leads out of its folder.
    """
    whole = resolve(entry, field, path)
    try:
        os.stat(whole)
    except FileNotFoundError as error:
        if os.path.isabs(path):
            raise DataError(f"{whole}: No such file or directory (errno 2)") from error
        folders = ", ".join(str(folder) for folder in _bases(entry, field))
        more = "" if data_root(entry) is not None else f"; no data root is set (data.root, or {VARIABLE})"
        message = f"{whole}: No such file or directory (errno 2)\n  {field.rstrip('_')}: {path} was looked for in "
        raise DataError(f"{message}{folders}{more}") from error
    except (OSError, ValueError):
        return whole  # whoever opens it says why it cannot be
    return whole


def stray(entry: Entry, field: str, path: str) -> Path | None:
    """Return where a path beside the naming file leads if that is in no folder it may be taken from, else None."""
    if os.path.isabs(path) or (base := _base(entry, field, path)) != naming_folder(entry, field):
        return None
    whole = Path(os.path.realpath(base / path))
    inside = any(whole.is_relative_to(os.path.realpath(base)) for base in _bases(entry, field))
    return None if inside else whole


def _base(entry: Entry, field: str, path: str) -> Path:
    bases = _bases(entry, field)
    return next((base for base in bases if os.path.exists(base / path)), bases[0])


def _bases(entry: Entry, field: str) -> list[Path]:
    root = data_root(entry)
    beside = naming_folder(entry, field)
    return [beside] if root is None else [beside, root / entry.type_name, root]


def spelled_out(entry: Entry, field: str) -> str:
    """Return a path field as an absolute path, so that a resolved spec means the same from any folder."""
    path = str(getattr(entry, field))
    if field == "root":
        return str(naming_folder(entry, field) / os.path.expanduser(path))
    return str(resolve(entry, field, path).absolute())


def hint(folders: tuple[Path, ...], name: str) -> str:
    """Return what to do when the files of a named source are nowhere."""
    ready = "`netspec train digits` needs no files"
    if not folders:
        root = f"no data root: set data.root in the spec, --set data.root=DIR, or {VARIABLE}"
        return f"{root}, to the folder that holds them or a folder {name} of them; {ready}"
    return f"looked in {', '.join(str(folder) for folder in folders)}; {ready}"
