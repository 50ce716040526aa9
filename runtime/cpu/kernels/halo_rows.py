"""Zeros around rows ``first`` to ``last`` of a map, as these are finished: beside each, above the first, below the last.

Sizes and strides in bytes; ``side`` is the width of a halo's columns, ``across``
that of a whole row with both, ``rows`` the number of rows above and below.
"""

from runtime.cpu.simd import vectors
from runtime.cpu.words import unpack

LANES = 16
BYTES = 4 * LANES
V = vectors("f32", LANES)
store_tail, splat = V.store_tail, V.splat


def kernel(args, first, last, thread):
    """Rows ``first`` to ``last``: see the module."""
    at, image, row, height, width, side, across, rows = unpack(args, 8)
    zeros = splat(0.0)
    for r in range(first, last):
        n = r // height
        h = r - n * height
        left = at + n * image + h * row - side
        for done in range(0, side, BYTES):
            store_tail(left + done, 0, zeros, (side - done) // 4)
            store_tail(left + side + width + done, 0, zeros, (side - done) // 4)
        for k in range(1, rows + 1):
            if h == 0:
                for done in range(0, across, BYTES):
                    store_tail(left - k * row + done, 0, zeros, (across - done) // 4)
            if h == height - 1:
                for done in range(0, across, BYTES):
                    store_tail(left + k * row + done, 0, zeros, (across - done) // 4)
