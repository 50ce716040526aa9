"""Which tile a product takes, and in how many parts along k: the least estimated time, by shapes alone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

PROCESSORS = 132
"""Multiprocessors that the work is cut for. A constant: the bits must not depend on the device."""

WARPS = 8
"""Warps that keep a multiprocessor busy."""

SETUP = 1000
"""Cycles of a block before and behind its sums."""

LAUNCH, BYTES_A_CYCLE = 3000, 1000
"""Cycles of one more launch; bytes that the device moves in a cycle."""

PARTS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64)
"""Parts along k."""


class Tile(Protocol):
    """What a block computes."""

    @property
    def rows(self) -> int:
        """Of C."""

    @property
    def columns(self) -> int:
        """Of C."""

    @property
    def threads(self) -> int:
        """Of a block."""


T = TypeVar("T", bound=Tile)


@dataclass(frozen=True)
class Choice(Generic[T]):
    """A tile, parts along k, and the cycles that they are estimated to take."""

    tile: T
    parts: int
    cycles: float


def choose(
    tiles: Iterable[tuple[T, float]], size: tuple[int, int, int], batch: int, depth: int, item: int
) -> Choice[T]:
    """The best of tiles, each given with its multiply-adds a cycle and multiprocessor.

    A small product takes small tiles and parts, so that every multiprocessor
    has a block; a large one takes large tiles, which reread less.

    Parameters
    ----------
    size
        M, N, K.
    batch
        Products side by side.
    depth
        Places along k of a step.
    item
        Bytes of an element.
    """
    m, n, k = size
    found = []
    for tile, rate in tiles:
        for parts in PARTS:
            part = -(-k // (parts * depth)) * depth
            if parts > 1 and (part < 64 or part * (parts - 1) >= k):
                continue
            blocks = -(-m // tile.rows) * -(-n // tile.columns) * batch * parts
            each = -(-blocks // PROCESSORS)
            busy = min(1.0, each * tile.threads / 32 / WARPS)
            cycles = each * tile.rows * tile.columns * part / (rate * busy) + SETUP
            if parts > 1:
                cycles += LAUNCH + (parts + 2) * m * n * batch * item / BYTES_A_CYCLE
            found.append((cycles, parts, -tile.rows * tile.columns, tile))
    cycles, parts, _, tile = min(found, key=lambda f: f[:3])
    return Choice(tile, parts, cycles)
