"""Arrays of an ``.npz`` archive, without pickle; and the digits of the package, which are one."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path

import numpy as np

from runtime.data.files import open_regular
from runtime.data.items import AnyArray, Items, Rows, channels_last, same_count
from runtime.data.npy import NpyHeader, member_header, open_zip, read_header
from runtime.data.recipe import DigitsFiles, NpzFile
from runtime.errors import DataError

DIGITS = Path(__file__).parent / "digits" / "digits.npz"


def read_npz(files: NpzFile) -> Items:
    """Read the arrays that the tops take.

    Raises
    ------
    DataError
        Missing, damaged, an array absent, of another shape than declared, or of different counts.
    """
    arrays = [load(files.path, name) for name in files.arrays]
    for name, array in zip(files.arrays, arrays, strict=True):
        if array.ndim == 0:
            raise DataError(f"{files.path}: array {name!r} has no axes, the first one counts the samples")
    if files.item is not None and arrays[0].shape[1:] != files.item:
        got, expected = list(arrays[0].shape[1:]), list(files.item)
        raise DataError(f"{files.path}: samples of {files.arrays[0]!r} are {got}, the spec says shape: {expected}")
    rows: tuple[Rows, ...] = tuple(arrays)
    same_count(rows, files.arrays, str(files.path))
    pictures = arrays[0].ndim == 4
    if pictures:
        arrays[0] = channels_last(arrays[0])
    return Items(arrays=tuple(arrays), pictures=pictures)


def read_digits(files: DigitsFiles) -> Items:
    """Return the digits of one half: test is every sample whose index is divisible by 5."""
    images, labels = load(DIGITS, "images"), load(DIGITS, "labels")
    numbers = np.arange(len(labels), dtype=np.int64)
    mine = numbers[(numbers % 5 == 0) == files.test]
    return Items(arrays=(images[mine][..., np.newaxis], labels[mine]), pictures=True, numbers=mine)


def load(path: Path, name: str) -> AnyArray:
    """Return one array of an archive, native byte order.

    Raises
    ------
    DataError
        The archive or the array is missing or damaged.
    """
    with open_regular(path) as stream, open_zip(stream, path) as archive:
        try:
            info = archive.getinfo(f"{name}.npy")
        except KeyError:
            there = ", ".join(sorted(n.removesuffix(".npy") for n in archive.namelist())) or "nothing"
            raise DataError(f"{path}: no array {name!r}, it holds {there}") from None
        where = f"{path}: {name}"
        header = member_header(archive, info, where)
        try:
            data = archive.read(info)
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError) as error:
            raise DataError(f"{where}: damaged: {error}") from error
    return _array(data, header, where)


def load_npy(path: Path) -> AnyArray:
    """Return the array of an ``.npy`` file (``mean_file``)."""
    with open_regular(path) as stream:
        header = read_header(stream, str(path))
        return _array(b"\0" * header.start + stream.read(header.nbytes + 1), header, str(path))


def _array(data: bytes, header: NpyHeader, where: str) -> AnyArray:
    held = len(data) - header.start
    if held != header.nbytes:
        raise DataError(
            f"{where}: holds {held} bytes of values, the header claims {header.nbytes} {list(header.shape)}"
        )
    values = np.frombuffer(data, np.dtype(header.descr), offset=header.start)
    array = values.reshape(header.shape[::-1]).T if header.fortran_order else values.reshape(header.shape)
    return array.astype(array.dtype.newbyteorder("="), order="C", copy=False)
