"""Figures of a test as text: numbers, lists with one for each class, tables of them."""

from __future__ import annotations

import math
from collections.abc import Sequence

from netspec.metrics.base import Figure
from netspec.reports.tables import terminal_width

_PER_LINE = 10
"""Classes in a line of a list."""


def figure_lines(name: str, value: Figure, class_names: Sequence[str] = ()) -> list[str]:
    """Return the lines that show one figure.

    Parameters
    ----------
    name : str
        As it is printed.
    value : float or list
        A number stands behind its name, a list below it: a class a line if
        they have names, else ten, headed by the number of the first one; a
        table, by its rows.
    class_names : sequence of str
        Used where they are as many as there are classes.
    """
    if not isinstance(value, list):
        return [f"{name}  {_text(value)}"]
    names = list(class_names) if len(class_names) == len(value) else []
    if any(isinstance(row, list) for row in value):
        return [name, *_table(value, names)]
    cells = [_text(x) for x in value]
    return [name, *(_named(cells, names) if names else _wrapped(cells))]


def _text(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.6g}"


def _named(cells: Sequence[str], names: Sequence[str]) -> list[str]:
    width = max(map(len, names))
    return [f"  {name:<{width}}  {cell}" for name, cell in zip(names, cells, strict=True)]


def _wrapped(cells: Sequence[str]) -> list[str]:
    width = max(map(len, cells), default=0)
    head = len(str(len(cells)))
    lines = []
    for start in range(0, len(cells), _PER_LINE):
        row = "  ".join(cell.rjust(width) for cell in cells[start : start + _PER_LINE])
        lines.append(f"  {start:>{head}}  {row}")
    return lines


def _table(rows: Sequence[Sequence[float]], names: Sequence[str]) -> list[str]:
    """Columns counted from 0, rows too, and by name; one that a terminal has no room for is only described."""
    texts = [[_text(x) for x in row] for row in rows]
    columns = max(len(row) for row in texts)
    width = max(len(str(columns - 1)), *(len(cell) for row in texts for cell in row))
    heads = [f"{k} {name}" for k, name in enumerate(names)] or [str(k) for k in range(len(rows))]
    head = max(map(len, heads))
    if head + (width + 2) * columns + 2 > terminal_width():
        return [f"  {len(rows)} x {columns}: too wide to print, --format json has it"]
    align = "<" if names else ">"
    numbered = [("", [str(k) for k in range(columns)]), *zip(heads, texts, strict=True)]
    return [f"  {label:{align}{head}}  " + "  ".join(cell.rjust(width) for cell in row) for label, row in numbered]
