"""HDF5 files: opened through h5py, their headers read; NumPy comes in with it and not before."""

from __future__ import annotations

import os
from pathlib import Path
from types import ModuleType
from typing import Any

from runtime.data.files import open_regular
from runtime.data.listing import inside, leaves, lines_of
from runtime.errors import DataError, UsageError

SIGNATURE = b"\x89HDF\r\n\x1a\n"


def paths_of(path: Path) -> list[Path]:
    """Return the file itself, or those that a list names one a line, relative to it.

    Raises
    ------
    DataError
        No such file, or a list that names none.
    """
    with open_regular(path) as stream:
        if stream.read(len(SIGNATURE)) == SIGNATURE:
            return [path]
    found = []
    for number, line in lines_of(path):
        file = path.parent / line
        if leaves(line) or not (Path(line).is_absolute() or inside(path.parent, file)):
            raise DataError(f"{path}:{number}: {line[:80]} leads out of {path.parent}")
        if not os.path.exists(file):
            why = f"{path.name} is no HDF5 file, so it lists some"
            raise DataError(f"{path}:{number}: {line[:80]}: no such file ({why})")
        found.append(file)
    if not found:
        raise DataError(f"{path}: neither an HDF5 file nor a list of them")
    return found


def headers_of(path: Path, names: tuple[str, ...]) -> list[tuple[tuple[int, ...], bool]]:
    """Return shape and whether the values are integers of each dataset, from the (first) file's headers."""
    first = paths_of(path)[0]
    with open_hdf5(first) as file:
        found = [dataset_of(file, first, name) for name in names]
        return [(tuple(each.shape), each.dtype.kind in "iub") for each in found]


def _h5py() -> ModuleType:
    """An extra: imported where a file is opened, and nowhere else."""
    try:
        import h5py
    except ImportError as error:
        raise UsageError("source hdf5 needs h5py: pip install 'netspec[hdf5]'") from error
    module: ModuleType = h5py
    return module


def open_hdf5(path: Path) -> Any:
    """Open an HDF5 file for reading.

    Raises
    ------
    DataError
        Missing, damaged, or another kind of file.
    UsageError
        h5py is not installed.
    """
    with open_regular(path) as stream:
        if stream.read(len(SIGNATURE)) != SIGNATURE:
            raise DataError(f"{path}: not an HDF5 file (offset 0)")
    try:
        return _h5py().File(path, "r")
    except (OSError, RuntimeError) as error:
        raise DataError(f"{path}: damaged: {error}") from error


def dataset_of(file: Any, path: Path, name: str) -> Any:
    """A dataset whose values lie in this very file: what leads elsewhere could read any file of the machine."""
    try:
        return _plain_dataset(file, path, name)
    # a damaged header is found where it is first looked at: a link, a list of names, a type
    except (OSError, RuntimeError, KeyError, ValueError, TypeError) as error:
        raise DataError(f"{path}: {name}: damaged: {error}") from error


def _plain_dataset(file: Any, path: Path, name: str) -> Any:
    h5py = _h5py()
    found = file
    for part in name.split("/"):
        is_group = isinstance(found, h5py.Group)
        link = found.get(part, getlink=True) if is_group and part else None
        found = found.get(part) if isinstance(link, h5py.HardLink) else None
    if not isinstance(found, h5py.Dataset):
        there = ", ".join(sorted(key for key in file)[:12]) or "nothing"
        raise DataError(f"{path}: no dataset {name!r}, it holds {there}; name them with arrays: [..]")
    if found.is_virtual or found.external:
        raise DataError(f"{path}: {name}: its values lie in other files, which are not read")
    if found.dtype.kind not in "iubf" or found.dtype.names:
        raise DataError(f"{path}: {name}: {found.dtype} are no plain numbers")
    if not found.shape:
        raise DataError(f"{path}: {name} has no axes, the first one counts the samples")
    return found
