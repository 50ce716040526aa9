"""Lines that are nearly straight made straight."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from netspec.drawing.layered import Cell, Link, gap

ROUNDS = 3

_Rows = Sequence[Sequence[Cell]]
_Beside = dict[Cell, tuple[int, Sequence[Cell]]]


def mark_spines(rows: _Rows) -> None:
    """Mark the links along which most of the drawing hangs: where one branch is longer than all others."""
    depth: dict[Cell, int] = {}
    for row in reversed(rows):
        for cell in row:
            depths = sorted((depth[link.target] for link in cell.below), reverse=True)
            depth[cell] = 1 + depths[0] if depths else 0
            for link in cell.below:
                link.is_spine = depth[link.target] == depths[0] and (len(depths) == 1 or depths[1] < depths[0])


def straighten(rows: _Rows) -> set[Cell]:
    """Set chains of cells, then all bends of a line, below each other where the cells beside them leave room.

    Ports that stand alone in the first and last row, and are ends of two chains, go to the middle, or both to the side:
    boxes below each other then stand in line.

    Returns
    -------
    set of Cell
        The cells of the chains.
    """
    beside = {cell: (k, row) for row in rows for k, cell in enumerate(row)}
    chains = _chains(rows)
    alone = [row[0] for row in (rows[0], rows[-1]) if len(row) == 1 and row[0].is_port]
    anchored = alone if not any(all(port in chain for port in alone) for chain in chains) else []
    for _ in range(ROUNDS):
        middle = _middle(rows)
        for port in anchored:
            port.x = middle
        for chain in chains:
            held = [cell for cell in chain if cell in anchored]
            _align(chain, beside, middle if held else None)
            for port in anchored if held else ():
                port.x = held[0].x  # there may be no room in the middle
        for first in (cell for row in rows for cell in row):
            if first.is_bend and not first.above[0].source.is_bend:
                _align_bends(first, beside)
    return {cell for chain in chains for cell in chain}


def _middle(rows: _Rows) -> float:
    left = min((cell.x - cell.width / 2 for row in rows for cell in row if not cell.is_port), default=0.0)
    right = max((cell.x + cell.width / 2 for row in rows for cell in row if not cell.is_port), default=0.0)
    return (left + right) / 2


def _chains(rows: _Rows) -> list[list[Cell]]:
    """Cells that follow each other as the main thing on both sides, two or more, from the top."""
    found, seen = [], set()
    for cell in (cell for row in rows for cell in row):
        if cell.is_bend or cell in seen:
            continue
        chain = [cell]
        while (link := _main(chain[-1].below)) is not None and _main(link.target.above) is link:
            chain.append(link.target)
        seen.update(chain)
        if len(chain) > 1:
            found.append(chain)
    return found


def _main(links: Sequence[Link]) -> Link | None:
    """The link that goes on, among those on one side of a cell: to the one neighbour, or on the longest branch."""
    near = [link for link in links if not (link.source.is_bend or link.target.is_bend)]
    spine = [link for link in near if link.is_spine and len(links) > 1 and link.source is links[0].source]
    chosen = near if len(near) == 1 else spine
    return chosen[0] if len(chosen) == 1 else None


def _align(chain: list[Cell], beside: _Beside, wish: float | None) -> None:
    """Move the cells of a chain so that the lines between them are straight; in parts where there is no room."""
    shifted = [(chain[0], 0.0)]
    for cell, after in pairwise(chain):
        link = next(link for link in cell.below if link.target is after)
        shifted.append((after, shifted[-1][1] + link.leaves - link.enters))
    part: list[tuple[Cell, float]] = []
    least, most = float("-inf"), float("inf")
    for each in shifted:
        low, high = _room([each], beside)
        if part and max(least, low) > min(most, high):
            _move(part, least, most, wish)
            part, least, most = [], float("-inf"), float("inf")
        part.append(each)
        least, most = max(least, low), min(most, high)
    _move(part, least, most, wish)


def _move(part: list[tuple[Cell, float]], least: float, most: float, wish: float | None) -> None:
    """Move cells to one place between two others, each with its shift."""
    mean = sum(cell.x - shift for cell, shift in part) / len(part)
    x = min(max(mean if wish is None else wish, least), most)
    for cell, shift in part:
        cell.x = x + shift


def _align_bends(first: Cell, beside: _Beside) -> None:
    """Move the bends of a line below each other, and below an end of it if there is room."""
    chain = [first]
    while chain[-1].below[0].target.is_bend:
        chain.append(chain[-1].below[0].target)
    least, most = _room([(cell, 0.0) for cell in chain], beside)
    if least <= most:
        ends = (chain[0].above[0].start, chain[-1].below[0].end)
        near = [min(max(x, least), most) for x in ends]
        x = near[0] if abs(near[0] - ends[0]) <= abs(near[1] - ends[1]) else near[1]
        for cell in chain:
            cell.x = x


def _room(cells: Sequence[tuple[Cell, float]], beside: _Beside) -> tuple[float, float]:
    """Between which places cells, each with its shift, can be moved together."""
    least, most = float("-inf"), float("inf")
    for cell, shift in cells:
        k, row = beside[cell]
        if k:
            left = row[k - 1]
            least = max(least, left.x + (left.width + cell.width) / 2 + gap(left, cell) - shift)
        if k + 1 < len(row):
            right = row[k + 1]
            most = min(most, right.x - (right.width + cell.width) / 2 - gap(cell, right) - shift)
    return least, most
