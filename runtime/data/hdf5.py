"""Datasets of HDF5 files, through h5py; a list of files is one after the other."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from runtime.data.files import open_regular, size_of
from runtime.data.hdf5_file import dataset_of, open_hdf5, paths_of
from runtime.data.items import AnyArray, Items, Rows, channels_last, same_count
from runtime.data.recipe import Hdf5Files
from runtime.errors import DataError

_RATIO = 1100
"""Deflate never shrinks by more than 1032; a dataset that claims more is mostly not in the file."""


def read_hdf5(files: Hdf5Files) -> Items:
    """Read the datasets that the tops take.

    Raises
    ------
    DataError
        A file is missing or damaged, a dataset absent, of another shape than declared, or of another count.
    UsageError
        h5py is not installed.
    """
    paths = paths_of(files.path)
    pieces: list[list[AnyArray]] = []
    for path in paths:
        arrays = [_load(path, name) for name in files.arrays]
        same_count(tuple(arrays), files.arrays, str(path))
        pieces.append(arrays)
    arrays = [
        _joined(paths, name, list(parts)) for name, parts in zip(files.arrays, zip(*pieces, strict=True), strict=True)
    ]
    if files.item is not None and arrays[0].shape[1:] != files.item:
        got, expected = list(arrays[0].shape[1:]), list(files.item)
        raise DataError(f"{files.path}: samples of {files.arrays[0]!r} are {got}, the spec says shape: {expected}")
    pictures = arrays[0].ndim == 4
    if pictures:
        arrays[0] = channels_last(arrays[0])
    rows: tuple[Rows, ...] = tuple(arrays)
    return Items(arrays=rows, pictures=pictures)


def _load(path: Path, name: str) -> AnyArray:
    with open_hdf5(path) as file:
        dataset = dataset_of(file, path, name)
        with open_regular(path) as stream:
            held = _RATIO * size_of(stream)
        if dataset.nbytes > held:
            raise DataError(f"{path}: {name}: claims {dataset.nbytes} bytes, the file can hold {held} at most")
        try:
            values: AnyArray = np.ascontiguousarray(dataset[...])
        except (OSError, RuntimeError, ValueError) as error:
            raise DataError(f"{path}: {name}: damaged: {error}") from error
    return values.astype(values.dtype.newbyteorder("="), copy=False)


def _joined(paths: list[Path], name: str, parts: list[AnyArray]) -> AnyArray:
    for path, part in zip(paths, parts, strict=True):
        if part.shape[1:] != parts[0].shape[1:]:
            got, expected = list(part.shape[1:]), list(parts[0].shape[1:])
            raise DataError(f"{path}: samples of {name} are {got}, those of {paths[0].name} {expected}")
    return parts[0] if len(parts) == 1 else np.concatenate(parts)
