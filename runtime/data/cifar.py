"""CIFAR-10's binary batches: records of one label byte and 3 x 32 x 32 pixel bytes."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from runtime.data.files import open_regular, size_of
from runtime.data.items import AnyArray, Items, channels_last
from runtime.data.recipe import CifarFiles
from runtime.errors import DataError

_PIXELS = 3 * 32 * 32
_RECORD = 1 + _PIXELS


def read_batches(files: CifarFiles) -> Items:
    """Read the batches one after another.

    Raises
    ------
    DataError
        A file is missing, cut short, or holds a label byte above 9.
    """
    folder = _folder(files)
    records = np.concatenate([_records(folder / name) for name in files.names])
    pictures = records[:, 1:].reshape(-1, 3, 32, 32)
    return Items(arrays=(channels_last(pictures), records[:, 0].copy()), pictures=True)


def _folder(files: CifarFiles) -> Path:
    for folder in files.folders:
        if os.path.exists(folder / files.names[0]):
            return folder
    raise DataError(
        f"{files.title} is not here: {files.names[0]}: No such file or directory (errno 2)\n"
        f"  needed: {', '.join(files.names)}; {files.hint}"
    )


def _records(path: Path) -> AnyArray:
    with open_regular(path) as stream:
        size = size_of(stream)
        whole = size - size % _RECORD
        if whole != size:
            raise DataError(f"{path}: {size} bytes is no multiple of a record's {_RECORD} (offset {whole})")
        data = stream.read(size)
    records = np.frombuffer(data, np.uint8).reshape(-1, _RECORD)
    wrong = np.flatnonzero(records[:, 0] > 9)
    if wrong.size:
        first = int(wrong[0])
        label, offset = records[first, 0], first * _RECORD
        raise DataError(f"{path}: record {first} has label {label}, expected 0 to 9 (offset {offset})")
    return records
