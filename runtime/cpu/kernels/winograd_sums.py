"""Sums over tiles, a point each: c[p][row][lane] += sum over t of a[p][t][row] b[p][t][lane].

The words at ``args``: a, bytes from tile to tile, from panel to panel, from
point to point, rows a panel; b, bytes from tile to tile and from point to
point; c, bytes from point to point; rows; tiles; whether c begins here. Rows
are computed up to a multiple of 4, and c has room for them.
"""

from runtime.cpu.winograd.sums import make_sums
from runtime.vector.simd import least
from runtime.vector.vectype import ITEM_BYTES
from runtime.vector.words import unpack

SCALAR = "f32"
LANES = 16
VECTORS = 2

ITEM = ITEM_BYTES[SCALAR]
ROW = VECTORS * LANES * ITEM
HIGH = 8 if LANES * ITEM >= 64 else 4
high, low = (make_sums(SCALAR, LANES, rows, VECTORS) for rows in (HIGH, 4))


def kernel(args, first, last, thread):
    """Points ``first`` to ``last``: see the module."""
    a, a_tile, a_panel, a_point, a_rows, b, b_tile, b_point, c, c_point, rows, count, fresh = unpack(args, 13)
    for p in range(first, last):
        panel = a + p * a_point
        from_b = b + p * b_point
        to = c + p * c_point
        left = rows
        while left > 0:
            here = least(left, a_rows)
            row = 0
            while row + HIGH <= here:
                high(panel + row * ITEM, a_tile, a_point, from_b, b_tile, b_point, to, count, fresh)
                to += HIGH * ROW
                row += HIGH
            while row < here:
                low(panel + row * ITEM, a_tile, a_point, from_b, b_tile, b_point, to, count, fresh)
                to += 4 * ROW
                row += 4
            left -= a_rows
            panel += a_panel
