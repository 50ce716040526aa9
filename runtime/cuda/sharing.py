"""How the threads of a grid share results that are made of many elements: by sizes alone."""

from __future__ import annotations

from dataclasses import dataclass

BLOCK, SMALL = 256, 64
"""Threads of a block, and of one that is enough for all; few sizes, so that nets need few kernels."""

LINE = 128
"""Bytes that neighbouring threads should read together."""

FEW = 4
"""Elements of a result worth a thread."""

SERIAL = 16
"""Elements of a result that a thread takes at least before the range is cut into segments."""

ENOUGH = 1 << 17
"""Threads that keep a device busy."""


@dataclass(frozen=True)
class Sharing:
    """How threads share results.

    ``units`` vectors of results have ``runs`` elements each, in ``segments``.
    Of a block's threads, first come those of ``side`` results that lie side by
    side, then the ``down`` threads of each, then those of other results:
    ``across`` results in all.
    """

    units: int
    runs: int
    side: int
    across: int
    down: int
    per_segment: int
    segments: int

    @classmethod
    def of(cls, units: int, runs: int, near: int, line: int, segmented: bool) -> Sharing:
        """By sizes alone.

        Parameters
        ----------
        near
            Units whose elements lie side by side; 1 in the rows form.
        line
            Vectors that neighbouring threads should read together.
        segmented
            Whether the range may be cut.
        """
        side = min(line, power_above(near))
        wanted = min(power_above(-(-runs // FEW)), power_above(-(-ENOUGH // units)))
        down = min(BLOCK // side, max(wanted, min(line // side, power_above(runs))))
        across = (SMALL if units * down <= SMALL and side * down <= SMALL else BLOCK) // down
        segments = 1
        if segmented:
            segments = max(1, min(-(-ENOUGH // (units * down)), runs // (down * SERIAL)))
        per_segment = max(1, -(-runs // segments))
        return cls(units, runs, side, across, down, per_segment, max(1, -(-runs // per_segment)))


def power_above(number: int) -> int:
    """The smallest power of two that is not below."""
    return 1 << (max(number, 1) - 1).bit_length()
