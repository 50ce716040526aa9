"""``log.jsonl``: one object a line, flushed, numbers that are not finite as strings."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from runtime.errors import StateError


class RunLog:
    """The log of a run; a resumed run appends.

    Parameters
    ----------
    path : Path
        ``log.jsonl`` of the run's folder.
    """

    def __init__(self, path: Path) -> None:
        self._start = time.monotonic()
        self._torn = _ends_within_a_line(path)
        try:
            self._file = path.open("a", encoding="utf-8")
        except OSError as error:
            raise StateError(f"{path}: cannot be written: {error.strerror} (errno {error.errno})") from error

    @property
    def seconds(self) -> float:
        """Seconds since the run (or its resume) began."""
        return time.monotonic() - self._start

    def write(self, event: str, iteration: int, **fields: Any) -> None:
        """Append one line.

        Raises
        ------
        OSError
            The disk is full, ..; the caller decides.
        """
        record = {"event": event, "iter": iteration, "time": round(self.seconds, 3), **fields}
        line = json.dumps(plain(record), ensure_ascii=False, allow_nan=False) + "\n"
        self._file.write("\n" + line if self._torn else line)
        self._torn = False
        self._file.flush()

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def plain(value: Any) -> Any:
    """Return a value as JSON takes it: ``nan``, ``inf`` and ``-inf`` become strings."""
    if isinstance(value, Mapping):
        return {str(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    if isinstance(value, float) and not math.isfinite(value):
        return "nan" if math.isnan(value) else "inf" if value > 0 else "-inf"
    return value


def _ends_within_a_line(path: Path) -> bool:
    """Whether a killed writer left half a line, so that the next one must not be glued to it."""
    try:
        with path.open("rb") as file:
            file.seek(0, 2)
            if not file.tell():
                return False
            file.seek(-1, 2)
            return file.read(1) != b"\n"
    except OSError:
        return False
