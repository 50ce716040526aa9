"""Convolutions of small padded maps: tiles span images, so that each takes only the taps inside the map.

A row of pixels shares its taps with the same row of every other image; a whole
chunk of images at one position needs none of the halo's zeros. A 5 x 5 window
with pad 2 on an 8 x 8 map multiplies 28 % fewer numbers this way.
"""

from __future__ import annotations

from dataclasses import dataclass

from runtime.cpu.pack import tile_cost
from runtime.ops import Pair

MOST_IMAGES = 112
"""Images of a chunk."""

SET_BYTES = 4096
"""Addresses this far apart share a set of the first-level cache."""

CONFLICT = 1.3
"""Time of tiles whose fourteen rows all fall in one set, relative to others (measured on Zen 4)."""


@dataclass(frozen=True)
class Reach:
    """Where the taps of an output row (or column) fall in the input.

    Input index of the first tap of output 0; steps from output to output and
    from tap to tap; the input's size. A pair each, of rows and columns.
    """

    start: Pair
    step: Pair
    tap: Pair
    limit: Pair

    def inside(self, axis: int, outputs: int, taps: int, span: int = 1) -> float:
        """Taps taken of all taps, where ``span`` neighbouring outputs take the union of theirs."""
        start, step, tap, limit = self.start[axis], self.step[axis], max(1, self.tap[axis]), self.limit[axis]
        taken = 0
        for out in range(0, outputs, span):
            left, right = start + out * step, start + (out + span - 1) * step
            low = min(taps - 1, (max(0, -right) + tap - 1) // tap)
            high = min(taps, (limit - 1 - left) // tap + 1)
            taken += span * (max(low + 1, high) - low)
        return taken / (outputs * taps)


def choose(size: tuple[int, int, int], taps: Pair, reach: Reach, image_bytes: int) -> tuple[int, int, float]:
    """Images a chunk, neighbouring pixels a tile, and time relative to all taps at full speed.

    ``image_bytes`` is the stride from image to image of the input.
    """
    images, height, width = size
    best = (1, 1, float("inf"))
    rows = reach.inside(0, height, taps[0])
    counts = {min(images, MOST_IMAGES), *range(14, min(images, MOST_IMAGES) + 1, 14)}
    for span in (s for s in range(1, width + 1) if width % s == 0):
        share = rows * reach.inside(1, width, taps[1], span)
        for count in counts:
            if count * span > 512:
                continue
            rest = images % count
            work = images // count * tile_cost(count * span) + tile_cost(rest * span)
            chunks = -(-images // count) * height
            unshared = 4 * -(-chunks // 4) / chunks
            conflict = CONFLICT if span == 1 and image_bytes % SET_BYTES == 0 else 1.03
            cost = share * work / (images * span) * unshared * conflict
            if cost < best[2]:
                best = (count, span, cost)
    return best
