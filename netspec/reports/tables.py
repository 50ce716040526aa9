"""Numbers and names as people read them, and tables of them that fit a terminal.

Plain text without any markup: what a user named is printed as it is, control
characters escaped.
"""

from __future__ import annotations

import re
import shutil
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from netspec.spec.render import escaped

GAP = "  "
NARROWEST = 8
"""Columns that a shortened cell keeps."""

PIPE_WIDTH = 100
"""Columns where stdout is no terminal and COLUMNS is not set."""


def count(n: float) -> str:
    """A count with thousands apart: 60,192,808."""
    return f"{n:,.0f}"


def scaled(n: float, unit: str = "") -> str:
    """A count in three digits with its power of 1,000: ``1.13 G``."""
    for power, prefix in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(n) >= power:
            return f"{n / power:.3g} {prefix}{unit}"
    return f"{n:.3g} {unit}".rstrip()


def size(n: float) -> str:
    """Bytes: ``38.5 MB`` (powers of 1,000)."""
    return scaled(n, "B")


def shape(dims: Iterable[int]) -> str:
    """A shape: ``64 x 20 x 24 x 24``; of a scalar, ``scalar``."""
    return " x ".join(map(str, dims)) or "scalar"


def names(found: Sequence[str], limit: int) -> str:
    """The first names, and how many more there are."""
    return ", ".join(found[:limit]) + (f" and {len(found) - limit} more" if len(found) > limit else "")


def terminal_width() -> int:
    """Columns to write: COLUMNS, else the terminal's, else 100; at least 40."""
    return max(40, shutil.get_terminal_size((PIPE_WIDTH, 24)).columns)


def shortened(name: str, width: int) -> str:
    """A name with its middle left out where it is too long: ``res4/..conv2``."""
    if len(name) <= width:
        return name
    end = (width - 1) // 2
    return name[: max(0, width - 2 - end)] + ".." + name[len(name) - end :]


def plain_prose(text: str) -> str:
    """Documentation as a terminal shows it: literals in single backticks, no underlines below headings."""
    lines = [line for line in text.splitlines() if not re.fullmatch(r"\s*-{3,}\s*", line)]
    return "\n".join(lines).replace("``", "`")


@dataclass(frozen=True)
class Table:
    """Columns of text; ``right`` hold numbers, ``wrap`` prose, ``drop`` may go where there is no room."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    right: frozenset[int] = frozenset()
    wrap: frozenset[int] = frozenset()
    drop: tuple[int, ...] = ()
    least: Mapping[int, int] = field(default_factory=dict)

    def natural(self, kept: Sequence[int] | None = None) -> int:
        """Columns that the table takes as wide as it wants to be."""
        wanted = self._wanted()
        chosen = range(len(wanted)) if kept is None else kept
        return sum(wanted[k] for k in chosen) + len(GAP) * (len(chosen) - 1)

    def text(self, width: int | None = None) -> str:
        """The table in ``width`` columns (as wide as needed if None)."""
        kept = list(range(len(self.columns)))
        if width is not None:
            for k in self.drop:
                if self.natural(kept) - self._slack(kept) > width:
                    kept.remove(k)
        widths = self._widths(kept, width)
        lines = self._lines(self.columns, kept, widths, head=True)
        lines.append("-" * (sum(widths.values()) + len(GAP) * (len(kept) - 1)))
        for row in self.rows:
            lines += self._lines(row, kept, widths)
        return "\n".join(lines)

    def _wanted(self) -> list[int]:
        return [max(map(len, cells)) for cells in zip(self.columns, *self.rows, strict=True)]

    def _slack(self, kept: Sequence[int]) -> int:
        """Columns that shortening and wrapping can save at most."""
        wanted = self._wanted()
        return sum(max(0, wanted[k] - self._least(k)) for k in kept if k not in self.right)

    def _least(self, k: int) -> int:
        return max(len(self.columns[k]), self.least.get(k, 2 * NARROWEST if k in self.wrap else NARROWEST))

    def _widths(self, kept: Sequence[int], width: int | None) -> dict[int, int]:
        wanted = self._wanted()
        widths = {k: wanted[k] for k in kept}
        while width is not None and sum(widths.values()) + len(GAP) * (len(kept) - 1) > width:
            loose = [k for k in kept if k not in self.right and widths[k] > self._least(k)]
            if not loose:
                break
            widths[max(loose, key=lambda k: (k in self.wrap and widths[k] > 40, widths[k]))] -= 1
        return widths

    def _lines(
        self, cells: Sequence[str], kept: Sequence[int], widths: dict[int, int], head: bool = False
    ) -> list[str]:
        """The lines of one row."""
        made = {
            k: textwrap.wrap(cells[k], widths[k], break_on_hyphens=False) or [""]
            if k in self.wrap and not head
            else [cells[k] if k in self.right else shortened(cells[k], widths[k])]
            for k in kept
        }
        lines = []
        for n in range(max(map(len, made.values()))):
            parts = [made[k][n] if n < len(made[k]) else "" for k in kept]
            padded = [
                p.rjust(widths[k]) if k in self.right else p.ljust(widths[k]) for k, p in zip(kept, parts, strict=True)
            ]
            lines.append(GAP.join(padded).rstrip())
        return lines


def table(
    columns: Sequence[str],
    rows: Iterable[Sequence[str]],
    right: Iterable[int] = (),
    wrap: Iterable[int] = (),
    drop: Iterable[int] = (),
    least: Mapping[int, int] | None = None,
) -> Table:
    """A plain table.

    Parameters
    ----------
    right
        Indices of the columns that hold numbers; they are never cut.
    wrap
        Columns of prose, broken into lines; all others are shortened in the middle.
    drop
        Columns left out where there is no room, in this order.
    least
        Room that columns keep before others are left out.
    """
    made = tuple(tuple(map(escaped, row)) for row in rows)
    return Table(tuple(columns), made, frozenset(right), frozenset(wrap), tuple(drop), least or {})


def text(*parts: Table | str, width: int | None = None) -> str:
    """Tables and lines one below the other, as plain text.

    Parameters
    ----------
    width
        Columns of the terminal; as wide as needed if None.
    """
    lines = [part.text(width) if isinstance(part, Table) else wrapped(escaped(part), width) for part in parts]
    return "\n".join(lines) + "\n"


def wrapped(line: str, width: int | None) -> str:
    """A line broken at spaces, what follows set below the text behind its first wide gap."""
    if width is None or len(line) <= width:
        return line.rstrip()
    gap = re.match(r"\s*\S+\s{2,}", line)
    hang = " " * (gap.end() if gap and gap.end() < width // 2 else 2)
    return textwrap.fill(line, width, subsequent_indent=hang, break_long_words=False, break_on_hyphens=False)
