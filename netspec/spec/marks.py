"""Places in a spec: every value keeps the mark it was read at."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

_LINE_END = re.compile("\r\n|[\n\r\x85\u2028\u2029]")


@dataclass(frozen=True, slots=True, order=True)
class Mark:
    """A stretch of one line: ``file:line:column``, from 1, in code points.

    ``end_column`` is the column after the last one (equal to ``column`` for an
    empty stretch). A value over several lines is marked on its first.
    """

    file: str
    line: int
    column: int
    end_column: int

    @classmethod
    def start(cls, file: str) -> Mark:
        """Return the mark of a whole file: its first column."""
        return cls(file, 1, 1, 1)

    def part(self, first: int, last: int) -> Mark:
        """Return the mark of columns ``first .. last - 1`` of this stretch, counted from 0."""
        return Mark(self.file, self.line, self.column + first, self.column + max(last, first))

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True)
class Source:
    """The text of one file, kept to show the lines that diagnostics point at."""

    file: str
    text: str

    @cached_property
    def lines(self) -> list[str]:
        """The lines as YAML counts them (it knows five line ends)."""
        return _LINE_END.split(self.text)

    def line(self, number: int) -> str | None:
        """Return line ``number`` (from 1) without its end, None if there is none."""
        return self.lines[number - 1] if 1 <= number <= len(self.lines) else None


def place_of(text: str, offset: int, file: str) -> Mark:
    """Return the mark of the character at ``offset`` of a text."""
    line, start = 1, 0
    for end in _LINE_END.finditer(text, 0, offset):
        line, start = line + 1, end.end()
    return Mark(file, line, offset - start + 1, offset - start + 2)
