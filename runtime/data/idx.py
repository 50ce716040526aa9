"""idx files (MNIST), plain or gzip, with every claim of the header checked before it is believed.

Source: Y. LeCun, "The IDX file format": two zero bytes, a type byte, the number
of axes, each axis as a big-endian 32-bit count, then the values.
"""

from __future__ import annotations

import gzip
import math
import os
import struct
import zlib
from pathlib import Path
from typing import IO

import numpy as np

from runtime.data.files import open_regular, size_of
from runtime.data.items import AnyArray, Items, same_count
from runtime.data.recipe import IdxFiles
from runtime.errors import DataError

_TYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
_DEFLATE_RATIO = 1100
"""Deflate never shrinks by more than 1032, so a small file cannot hold what a header claims beyond this."""


def read_pair(files: IdxFiles) -> Items:
    """Read a pair of image and label files.

    Raises
    ------
    DataError
        Missing, damaged, of another shape than declared, or of different counts.
    """
    image_path, label_path = find(files, files.images), find(files, files.labels)
    images, labels = read_idx(image_path), read_idx(label_path)
    height_width = files.item[1:]
    if images.shape[1:] != height_width:
        raise DataError(f"{image_path}: samples are {list(images.shape[1:])}, expected {list(height_width)}")
    if labels.ndim != 1 or labels.dtype.kind not in "iu":
        raise DataError(f"{label_path}: shape {list(labels.shape)}, expected one whole number a sample")
    same_count((images, labels), (image_path.name, label_path.name), str(image_path.parent))
    return Items(arrays=(images[..., np.newaxis], labels), pictures=True)


def find(files: IdxFiles, name: str) -> Path:
    """Return the first of ``folder/name`` and ``folder/name.gz`` that is there, whatever it is."""
    for folder in files.folders:
        for path in (folder / name, folder / f"{name}.gz"):
            if os.path.exists(path):
                return path
    raise DataError(
        f"{files.title} is not here: {name}: No such file or directory (errno 2), nor {name}.gz\n"
        f"  needed: {files.images} and {files.labels}; {files.hint}"
    )


def read_idx(path: Path) -> AnyArray:
    """Return the array of an idx file, its axes as in the header.

    Raises
    ------
    DataError
        With the offset (in the unpacked bytes) at which the file is not what it should be.
    """
    with open_regular(path) as raw:
        if path.suffix != ".gz":
            return _read(raw, path, size_of(raw))
        try:
            with gzip.GzipFile(fileobj=raw) as stream:
                return _read(stream, path, _DEFLATE_RATIO * size_of(raw))
        except EOFError as error:
            raise DataError(f"{path}: truncated: {error}") from error
        except (gzip.BadGzipFile, zlib.error) as error:
            raise DataError(f"{path}: damaged: {error}") from error


def _read(stream: IO[bytes] | gzip.GzipFile, path: Path, at_most: int) -> AnyArray:
    start = _exactly(stream, 4, 0, path)
    kind = _TYPES.get(start[2])
    if start[:2] != b"\0\0" or kind is None or not 1 <= start[3] <= 8:
        raise DataError(f"{path}: not an idx file: magic {start.hex()} (offset 0)")
    axes = start[3]
    shape = struct.unpack(f">{axes}I", _exactly(stream, 4 * axes, 4, path))
    begin = 4 + 4 * axes
    size = math.prod(shape) * np.dtype(kind).itemsize
    if size > at_most:
        raise DataError(f"{path}: the header claims {size} bytes {list(shape)}, the file can hold {at_most} at most")
    data = _exactly(stream, size, begin, path)
    if stream.read(1):
        raise DataError(f"{path}: more bytes than the header claims (offset {begin + size})")
    values = np.frombuffer(data, kind).reshape(shape)
    return values.astype(values.dtype.newbyteorder("="), copy=False)


def _exactly(stream: IO[bytes] | gzip.GzipFile, count: int, offset: int, path: Path) -> bytes:
    data = stream.read(count)
    if len(data) < count:
        raise DataError(f"{path}: ends at offset {offset + len(data)}, {count - len(data)} bytes short")
    return data
