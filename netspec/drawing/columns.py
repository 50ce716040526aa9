"""Where the cells of ordered rows stand from left to right."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

from netspec.drawing.layered import Cell, Link, gap
from netspec.drawing.straight import mark_spines, straighten

ROUNDS = 10
SETTLING = 12
CLOSING = 3
HELD = 1e6
"""Weight of a cell that stays while others come nearer."""


def place(rows: Sequence[Sequence[Cell]]) -> None:
    """Set the middles of all cells: long lines straight, readers below what they read, nothing overlapping."""
    mark_spines(rows)
    for row in rows:
        _spread(row, [(0.0, 1.0)] * len(row))
    for _ in range(ROUNDS):
        for row in rows[1:]:
            _spread(row, [_wish(cell, _above) for cell in row])
        for row in rows[-2::-1]:
            _spread(row, [_wish(cell, _below) for cell in row])
    for k in range(SETTLING):
        for row in rows if k % 2 else rows[::-1]:
            _spread(row, [_wish(cell, _around) for cell in row])
    for _ in range(CLOSING):
        held = straighten(rows)
        for row in rows:
            _spread(row, [(cell.x, HELD) if cell in held else _wish(cell, _around) for cell in row])
    straighten(rows)


_Pull = tuple[float, float]
"""Where a cell would stand for one link, and how much that matters."""


def _above(cell: Cell) -> list[_Pull]:
    return [(link.start - link.enters, _weight(link)) for link in cell.above]


def _below(cell: Cell) -> list[_Pull]:
    return [(link.end - link.leaves, _weight(link)) for link in cell.below]


def _around(cell: Cell) -> list[_Pull]:
    return _above(cell) + _below(cell)


def _weight(link: Link) -> float:
    """Long lines and the spine are to be straight, a line to the side need not be."""
    return (4.0, 1.0, 12.0)[link.source.is_bend + link.target.is_bend] * (3.0 if link.is_spine else 1.0)


def _wish(cell: Cell, pulls: Callable[[Cell], list[_Pull]]) -> _Pull:
    """Where a cell would stand, and how much that matters; one without links stays."""
    found = pulls(cell)
    weight = sum(w for _, w in found)
    return (sum(x * w for x, w in found) / weight, weight) if weight else (cell.x, 0.1)


def _spread(row: Sequence[Cell], wishes: Sequence[_Pull]) -> None:
    """Put a row as near to the wishes as its order and gaps allow: weighted least squares, adjacent ones pooled."""
    offsets = [0.0]
    for left, right in pairwise(row):
        offsets.append(offsets[-1] + (left.width + right.width) / 2 + gap(left, right))
    pools: list[tuple[float, float, int]] = []
    for (x, weight), offset in zip(wishes, offsets, strict=False):
        mean, total, count = x - offset, weight, 1
        while pools and pools[-1][0] > mean:
            before, w, n = pools.pop()
            mean, total, count = (before * w + mean * total) / (w + total), w + total, n + count
        pools.append((mean, total, count))
    starts = [mean for mean, _, count in pools for _ in range(count)]
    for cell, start, offset in zip(row, starts, offsets, strict=False):
        cell.x = start + offset
