"""Opening data files: plain files only, at once, with errors that say path and errno."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import IO

from runtime.errors import DataError

_KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a FIFO"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a character device"),
    (stat.S_ISBLK, "a block device"),
)


def open_regular(path: Path) -> IO[bytes]:
    """Open a plain file for reading.

    ``O_NONBLOCK``, because opening a FIFO without a writer would wait for ever;
    the kind is asked of the open file, so nothing can be swapped in between.

    Raises
    ------
    DataError
        Missing, unreadable, empty, or not a plain file; with path and errno.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise DataError(f"{path}: {error.strerror} (errno {error.errno})") from error
    except ValueError as error:
        raise DataError(f"{os.fspath(path)!r}: {error}") from error
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        os.close(descriptor)
        kind = next((word for test, word in _KINDS if test(status.st_mode)), "not a plain file")
        raise DataError(f"{path}: is {kind}, expected a plain file")
    if status.st_size == 0:
        os.close(descriptor)
        raise DataError(f"{path}: empty file")
    return os.fdopen(descriptor, "rb")


def read_utf8(path: Path) -> str:
    """Return the text of a file.

    Raises
    ------
    DataError
        As `open_regular`, or it is not UTF-8.
    """
    with open_regular(path) as stream:
        data = stream.read()
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: not UTF-8: {error.reason} (offset {error.start})") from error


def size_of(stream: IO[bytes]) -> int:
    """Return the bytes of an open file."""
    return os.fstat(stream.fileno()).st_size
