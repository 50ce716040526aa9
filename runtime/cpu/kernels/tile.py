"""Rows of a block's tables in tiles of falling height; called as (block, first row, last row, columns)."""

from runtime.cpu.tile import heights, make_tile
from runtime.vector.vectype import ITEM_BYTES

SCALAR = "f32"
LANES = 16
VECTORS = 2
AHEAD = False

H0, H1, H2, H3, H4 = (*heights(LANES, ITEM_BYTES[SCALAR], VECTORS), 1, 1, 1)[:5]
tile0, tile1, tile2, tile3, tile4 = (make_tile(SCALAR, LANES, h, VECTORS, AHEAD) for h in (H0, H1, H2, H3, H4))


def kernel(args, first, last, thread):
    """Rows ``first`` to ``last``; ``thread`` holds the number of columns."""
    row = first
    while row + H0 <= last:
        tile0(args, row, thread)
        row += H0
    while row + H1 <= last:
        tile1(args, row, thread)
        row += H1
    while row + H2 <= last:
        tile2(args, row, thread)
        row += H2
    while row + H3 <= last:
        tile3(args, row, thread)
        row += H3
    while row < last:
        tile4(args, row, thread)
        row += 1
