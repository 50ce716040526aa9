"""What a run says on stderr: a line a display, on a terminal a bar below them."""

from __future__ import annotations

import math
import os
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn

from netspec.metrics.base import Figure
from netspec.spec.render import escaped

_REFRESH_SECONDS = 0.25
_LINE_SECONDS = 5.0
"""Between two lines on the same compilation, where there is no terminal to draw on."""


class Reporter:
    """Progress of a run.

    Without a terminal every line is plain text. Lines are printed without
    markup, and user strings are escaped: rich would swallow ``[conv1/weights]``.
    A stderr that cannot be written (a full disk, a reader that has gone) costs
    the lines, never the training.

    Parameters
    ----------
    quiet : bool
        Only warnings and errors.
    stream : file
        Default: stderr.
    """

    def __init__(self, quiet: bool = False, stream: TextIO | None = None) -> None:
        self.quiet = quiet
        self._console = Console(file=stream or sys.stderr, highlight=False, soft_wrap=True)
        self._bar: Progress | None = None
        self._task = TaskID(0)
        self._drawn = 0.0

    def begin(self, first: int, last: int) -> None:
        """Start the bar of iterations (on a terminal)."""
        if self.quiet or not self._console.is_terminal or last <= first:
            return
        columns = (TextColumn("{task.completed:.0f}/{task.total:.0f}"), BarColumn(), TextColumn("{task.fields[left]}"))
        # No refresh of its own: its thread would take turns with the step's threads.
        self._bar = Progress(*columns, console=self._console, transient=True, auto_refresh=False)
        self._task = self._bar.add_task("", total=last, completed=first, left="")
        with self._writing():
            self._bar.start()

    def advance(self, iteration: int, seconds_left: float | None) -> None:
        """Move the bar, at most a few times a second."""
        now = time.monotonic()
        if self._bar is None or now - self._drawn < _REFRESH_SECONDS:
            return
        self._drawn = now
        left = "" if seconds_left is None else f"{duration(seconds_left)} left"
        with self._writing():
            self._bar.update(self._task, completed=iteration, left=left, refresh=True)

    def end(self) -> None:
        """Remove the bar."""
        if self._bar is not None:
            with self._writing():
                self._bar.stop()
            self._bar = None

    @property
    def has_bar(self) -> bool:
        """Whether a bar is drawn, which shows the time left."""
        return self._bar is not None

    def compiling(self, done: int, total: int, folder: Path | None) -> None:
        """Say that kernels are compiled, which takes seconds: `runtime.cache.watching` calls this."""
        if self.quiet or total < 2:  # a single one is over before the line is read
            return
        now, terminal = time.monotonic(), self._console.is_terminal
        if done == 0:
            kept = "the cache folder cannot be used" if folder is None else f"first run only, kept in {_short(folder)}"
            self._print(f"compiling {total} kernels ({kept})")
        elif now - self._drawn < (_REFRESH_SECONDS if terminal else _LINE_SECONDS) and done < total:
            return
        elif not terminal and done < total:
            self._print(f"compiled {done} of {total} kernels")
        if terminal:
            with self._writing():  # one line, drawn over and wiped at the end
                self._console.file.write("\r\x1b[K" + (f"{done} of {total}" if done < total else ""))
                self._console.file.flush()
        self._drawn = now

    def line(self, text: str) -> None:
        """Print one line, unless quiet."""
        if not self.quiet:
            self._print(text)

    def warning(self, text: str) -> None:
        """Print a warning, quiet or not."""
        self._print(f"warning: {text}", style="yellow")

    def _print(self, text: str, style: str | None = None) -> None:
        with self._writing():
            self._console.print(escaped(text), markup=False, style=style)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except OSError:
            file = self._console.file
            self._console, self.quiet = Console(quiet=True), True
            if file is sys.stderr:  # what it still holds is flushed at exit, and must not fail again
                with suppress(OSError):
                    os.dup2(os.open(os.devnull, os.O_WRONLY), file.fileno())


def _short(folder: Path) -> str:
    """A folder as it is written, below the home folder with ``~``."""
    with suppress(RuntimeError, ValueError):
        return f"~/{folder.relative_to(Path.home())}"
    return str(folder)


def figures(outputs: Mapping[str, Figure]) -> str:
    """Return outputs as ``name 0.1234``, two blanks apart; of a list the range, a table is left out."""
    return "  ".join(f"{name} {text}" for name, value in outputs.items() if (text := _short_figure(value)))


def _short_figure(value: Figure) -> str:
    if not isinstance(value, list):
        return f"{value:.4f}"
    numbers = [x for x in value if not isinstance(x, list) and math.isfinite(x)]
    return f"{min(numbers):.4f}..{max(numbers):.4f}" if numbers else ""


def duration(seconds: float) -> str:
    """Return seconds as ``h:mm:ss``."""
    whole = round(seconds)
    return f"{whole // 3600}:{whole // 60 % 60:02}:{whole % 60:02}"
