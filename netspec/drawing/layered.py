"""A layered drawing of the inside of one box: rows of cells, links between them.

Source: Sugiyama, Tagawa and Toda 1981: longest paths, bends in every row that a link crosses, barycentres.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from graphlib import TopologicalSorter
from itertools import pairwise

GAP = 22.0
"""Pixels between two cells of a row."""

BEND_GAP = 13.0
"""Pixels beside a line that passes."""

CROWD = 8
"""Cells of a row from which on those that can wait go down: lines past them are narrower than they are."""

FAR = 2
"""Rows that a link from a blob from outside may cross before the blob is drawn once more."""


@dataclass(eq=False)
class Cell:
    """Something with a place in a row; lengths in pixels.

    Attributes
    ----------
    key
        What it stands for; empty for a bend.
    width, height
        0 for bends and ports.
    rank
        Its row, from the top.
    x
        Its middle.
    """

    key: str = ""
    width: float = 0.0
    height: float = 0.0
    rank: int = 0
    x: float = 0.0
    above: list[Link] = field(default_factory=list)
    below: list[Link] = field(default_factory=list)

    @property
    def is_bend(self) -> bool:
        """Whether it only guides a link through its row."""
        return not self.key

    @property
    def is_port(self) -> bool:
        """Whether it is a place on the border of the box."""
        return bool(self.key) and not self.width


@dataclass(eq=False)
class Link:
    """A line down from one cell to another; the offsets of its ends are from their middles.

    ``path`` are the bends it takes; ``is_spine``: the longest branch below its source goes on with it.
    """

    source: Cell
    target: Cell
    leaves: float = 0.0
    enters: float = 0.0
    path: list[Cell] = field(default_factory=list)
    is_spine: bool = False

    @property
    def start(self) -> float:
        """Where it leaves its source."""
        return self.source.x + self.leaves

    @property
    def end(self) -> float:
        """Where it enters its target."""
        return self.target.x + self.enters


def gap(left: Cell, right: Cell) -> float:
    """Return the least space between two neighbours, pixels."""
    return BEND_GAP if left.is_bend or right.is_bend else GAP


def connect(links: Iterable[Link]) -> None:
    """Tell the cells of the links that they have."""
    for link in links:
        link.source.below.append(link)
        link.target.above.append(link)


def rank(cells: Sequence[Cell], entries: Sequence[Cell], exits: Sequence[Cell]) -> int:
    """Give every cell the row that its longest path from above leads to; the number of rows.

    Entries are the first row and exits the last. What nothing leads to stands right above what reads it, and so does
    what would stand in a row with many others.
    """
    sorter: TopologicalSorter[Cell] = TopologicalSorter({c: [link.source for link in c.above] for c in cells})
    order = list(sorter.static_order())
    least = 1 if entries else 0
    for cell in order:
        cell.rank = max((link.source.rank + 1 for link in cell.above), default=least)
        if cell in entries:
            cell.rank = 0
    rows = max((cell.rank for cell in cells if cell not in exits), default=-1) + 1
    for cell in exits:
        cell.rank = rows
    crowd = Counter(cell.rank for cell in cells)
    for cell in reversed(order):
        if cell.below and cell not in entries and (not cell.above or crowd[cell.rank] > CROWD):
            cell.rank = min(link.target.rank for link in cell.below) - 1
    return rows + bool(exits)


def rows_with_bends(cells: Sequence[Cell], links: Iterable[Link], count: int) -> list[list[Cell]]:
    """Return the cells of each row, with a bend in each row that a link crosses; links are cut in pieces there."""
    rows: list[list[Cell]] = [[] for _ in range(count)]
    for cell in cells:
        rows[cell.rank].append(cell)
    for cell in cells:
        cell.above, cell.below = [], []
    for link in links:
        link.path = [Cell(rank=k) for k in range(link.source.rank + 1, link.target.rank)]
        for bend in link.path:
            rows[bend.rank].append(bend)
        chain = [link.source, *link.path, link.target]
        pieces = [Link(here, there) for here, there in pairwise(chain)]
        pieces[0].leaves, pieces[-1].enters = link.leaves, link.enters
        connect(pieces)
    return rows


def reorder(rows: list[list[Cell]], sweeps: int = 12) -> None:
    """Order the cells of each row for few crossings: by the barycentres of their neighbours, down and up."""
    _depth_first(rows)
    best, fewest = [list(row) for row in rows], crossings(rows)
    for sweep in range(sweeps):
        if not fewest:
            break
        down = sweep % 2 == 0
        for row in rows[1:] if down else rows[-2::-1]:
            _sort(row, rows[row[0].rank + (-1 if down else 1)] if row else [], down)
        _swap_neighbours(rows)
        found = crossings(rows)
        if found < fewest:
            best, fewest = [list(row) for row in rows], found
    rows[:] = best


def _depth_first(rows: list[list[Cell]]) -> None:
    """A first order: as a walk from the top meets the cells, so that branches stay together."""
    seen: dict[Cell, int] = {}
    for start in (cell for row in rows for cell in row):
        stack = [start] if not start.above or start not in seen else []
        while stack:
            cell = stack.pop()
            if cell not in seen:
                seen[cell] = len(seen)
                stack.extend(link.target for link in reversed(cell.below))
    for row in rows:
        row.sort(key=seen.__getitem__)


def _sort(row: list[Cell], fixed: Sequence[Cell], down: bool) -> None:
    place = {cell: float(k) for k, cell in enumerate(fixed)}
    old = {cell: float(k) for k, cell in enumerate(row)}

    def barycentre(cell: Cell) -> float:
        near = [_end(link, place, down) for link in (cell.above if down else cell.below)]
        return sum(near) / len(near) if near else old[cell]

    row.sort(key=lambda cell: (barycentre(cell), old[cell]))


def _end(link: Link, place: dict[Cell, float], down: bool) -> float:
    """The place of a link's other end, with the part of the cell at which it meets it."""
    cell, offset = (link.source, link.leaves) if down else (link.target, link.enters)
    return place[cell] + (offset / cell.width if cell.width else 0.0)


def _swap_neighbours(rows: list[list[Cell]]) -> None:
    """Swap neighbours in a row while that takes away crossings."""
    for row in rows:
        improved = True
        while improved:
            improved = False
            for k in range(len(row) - 1):
                before, after = _between(row[k], row[k + 1], rows), _between(row[k + 1], row[k], rows)
                if after < before:
                    row[k], row[k + 1] = row[k + 1], row[k]
                    improved = True


def _between(left: Cell, right: Cell, rows: list[list[Cell]]) -> int:
    """Crossings of the links of two neighbours."""
    count = 0
    for down in (True, False):
        r = left.rank + (-1 if down else 1)
        if not 0 <= r < len(rows):
            continue
        place = {cell: float(k) for k, cell in enumerate(rows[r])}
        ends = [[_end(link, place, down) for link in (cell.above if down else cell.below)] for cell in (left, right)]
        count += sum(a > b for a in ends[0] for b in ends[1])
    return count


def crossings(rows: Sequence[Sequence[Cell]]) -> int:
    """How often links cross."""
    total = 0
    for upper, lower in pairwise(rows):
        here, there = ({cell: float(k) for k, cell in enumerate(row)} for row in (upper, lower))
        spans = [(_end(link, here, True), _end(link, there, False)) for cell in upper for link in cell.below]
        total += sum((a[0] - b[0]) * (a[1] - b[1]) < 0 for k, a in enumerate(spans) for b in spans[:k])
    return total
