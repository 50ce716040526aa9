"""Headers of ``.npy`` and ``.npz`` files, read without NumPy and without pickle.

Source: NumPy's format description (``numpy.lib.format``), versions 1.0 to 3.0.
"""

from __future__ import annotations

import math
import re
import struct
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from runtime.data.files import open_regular
from runtime.errors import DataError

MAGIC = b"\x93NUMPY"
_HEADER = re.compile(
    r"\{'descr': '(?P<descr>[<>|=][biuf][1248]|\|b1)', 'fortran_order': (?P<order>True|False), "
    r"'shape': \((?P<shape>[0-9, ]*)\), \}\s*\Z"
)
_LONGEST_HEADER = 65536
_CODES = {"f2": "e", "f4": "f", "f8": "d", "b1": "?"} | {
    f"{kind}{size}": code if kind == "i" else code.upper()
    for kind in "iu"
    for size, code in ((1, "b"), (2, "h"), (4, "i"), (8, "q"))
}
"""The letters of ``struct`` for NumPy's types."""
_DEFLATE_RATIO = 1100
"""Deflate never shrinks by more than 1032: a member that claims more lies."""


@dataclass(frozen=True, kw_only=True)
class NpyHeader:
    """Type, order, shape of an array and where its bytes begin."""

    descr: str
    fortran_order: bool
    shape: tuple[int, ...]
    start: int

    @property
    def is_integer(self) -> bool:
        """Whether the values are integers (signed, unsigned or boolean)."""
        return self.descr[1] in "iub"

    @property
    def nbytes(self) -> int:
        """Bytes of the values, in exact integers."""
        return math.prod(self.shape) * int(self.descr[2:])


def read_header(stream: IO[bytes], where: str) -> NpyHeader:
    """Read the header of an array from the start of a stream.

    Raises
    ------
    DataError
        Not an ``.npy``, cut short, or of a type that is not a plain number (objects would need pickle).
    """
    start = stream.read(8)
    if len(start) < 8 or start[:6] != MAGIC:
        raise DataError(f"{where}: not a NumPy array (offset 0)")
    form = "<H" if start[6] == 1 else "<I"
    size = stream.read(struct.calcsize(form))
    if len(size) < struct.calcsize(form):
        raise DataError(f"{where}: cut short in the header (offset 8)")
    length = struct.unpack(form, size)[0]
    if length > _LONGEST_HEADER:
        raise DataError(f"{where}: header claims {length} bytes, at most {_LONGEST_HEADER} make sense")
    text = stream.read(length)
    if len(text) < length:
        raise DataError(f"{where}: cut short in the header (offset {8 + len(size) + len(text)})")
    match = _HEADER.match(text.decode("latin-1"))
    if match is None:
        raise DataError(f"{where}: not an array of plain numbers: {text[:60]!r}; objects and records are not read")
    shape = tuple(int(word) for word in match["shape"].split(",") if word.strip())
    begin = 8 + len(size) + length
    return NpyHeader(descr=match["descr"], fortran_order=match["order"] == "True", shape=shape, start=begin)


def read_values(path: Path) -> tuple[NpyHeader, tuple[float, ...]]:
    """Return the header of an ``.npy`` and its numbers in the order of the file.

    Raises
    ------
    DataError
        Missing, not an array of plain numbers, or of another length than its header claims.
    """
    with open_regular(path) as stream:
        header = read_header(stream, str(path))
        data = stream.read(header.nbytes + 1)
    if len(data) != header.nbytes:
        raise DataError(f"{path}: holds {len(data)} bytes of values or more, the header claims {header.nbytes}")
    order = ">" if header.descr[0] == ">" else "<"
    return header, struct.unpack(f"{order}{math.prod(header.shape)}{_CODES[header.descr[1:]]}", data)


def npz_headers(path: Path) -> dict[str, NpyHeader]:
    """Return array name -> header of every array of an archive, checked against the real sizes.

    Raises
    ------
    DataError
        Missing, unreadable, not an archive, or an array that claims more than the file holds.
    """
    with open_regular(path) as stream, open_zip(stream, path) as archive:
        headers = {}
        for info in archive.infolist():
            if info.filename.endswith(".npy"):
                name = info.filename[: -len(".npy")]
                headers[name] = member_header(archive, info, f"{path}: {name}")
        return headers


def open_zip(stream: IO[bytes], path: Path) -> zipfile.ZipFile:
    """Open an archive, or say that it is none."""
    try:
        return zipfile.ZipFile(stream)
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise DataError(f"{path}: not an .npz archive: {error}") from error


def member_header(archive: zipfile.ZipFile, info: zipfile.ZipInfo, where: str) -> NpyHeader:
    """Read one member's header and hold it against the bytes that are really there."""
    try:
        with archive.open(info) as member:
            header = read_header(member, where)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, NotImplementedError) as error:
        raise DataError(f"{where}: damaged: {error}") from error
    held = info.file_size - header.start
    if header.nbytes != held or info.file_size > _DEFLATE_RATIO * info.compress_size + 1024:
        raise DataError(
            f"{where}: the header claims {header.nbytes} bytes {header.descr} {list(header.shape)}, "
            f"the file holds {min(held, _DEFLATE_RATIO * info.compress_size)}"
        )
    return header
