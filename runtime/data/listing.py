"""Text files that list other files, one a line."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from runtime.data.files import open_regular
from runtime.errors import DataError

_LONGEST_LINE = 1 << 16


def lines_of(path: Path) -> Iterator[tuple[int, str]]:
    """Yield number (from 1) and text of each line that is not empty.

    Raises
    ------
    DataError
        The file is missing, empty, not UTF-8, has a line of more than 64 KiB or a NUL.
    """
    with open_regular(path) as stream:
        number = 0
        while line := stream.readline(_LONGEST_LINE + 1):
            number += 1
            if len(line) > _LONGEST_LINE:
                raise DataError(f"{path}:{number}: a line of more than {_LONGEST_LINE} bytes is no path")
            try:
                text = line.decode("utf-8-sig" if number == 1 else "utf-8").strip()
            except UnicodeDecodeError as error:
                raise DataError(f"{path}:{number}: not UTF-8: {error.reason}") from error
            if "\0" in text:
                raise DataError(f"{path}:{number}: a NUL is in no path")
            if text:
                yield number, text


def leaves(path: str) -> bool:
    """Tell whether a relative path climbs out of the folder it starts in, by its text."""
    return not os.path.isabs(path) and os.path.normpath(path).split(os.sep)[0] == ".."


def inside(base: Path, path: Path) -> bool:
    """Tell whether a path is below a folder, links followed."""
    return Path(os.path.realpath(path)).is_relative_to(os.path.realpath(base))
