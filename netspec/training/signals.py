"""Ctrl-C and SIGTERM: the first one lets the step finish, the second one ends at once."""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType
from typing import Any, Self

WATCHED = (signal.SIGINT, signal.SIGTERM)


class StopSignals:
    """Remembers the first signal while it is entered; a second one raises SystemExit.

    Attributes
    ----------
    received : int or None
        Number of the signal that asked to stop.
    """

    def __init__(self) -> None:
        self.received: int | None = None
        self._before: dict[int, Any] = {}

    @property
    def exit_code(self) -> int:
        """130 after SIGINT, 143 after SIGTERM, 0 without either."""
        return 0 if self.received is None else 128 + self.received

    def __enter__(self) -> Self:
        # Python lets only the main thread set handlers; elsewhere the caller's rules hold.
        if threading.current_thread() is threading.main_thread():
            for number in WATCHED:
                self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before = {}

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self.received is not None:
            self.received = number
            raise SystemExit(128 + number)
        self.received = number
