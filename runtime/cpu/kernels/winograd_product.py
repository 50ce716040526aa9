"""One product a point: c[p][t][k] = sum over i of a[p][t][i] b[p][i][k], for tiles ``first`` to ``last``.

The words at ``args``: a, bytes from row to row and from point to point; b,
bytes from step to step and from point to point; c likewise as a; points; steps.
"""

from runtime.cpu.tile import heights
from runtime.cpu.winograd.product import make_product
from runtime.vector.vectype import ITEM_BYTES
from runtime.vector.words import unpack

SCALAR = "f32"
LANES = 16
VECTORS = 2

H0, H1, H2, H3, H4 = (*heights(LANES, ITEM_BYTES[SCALAR], VECTORS), 1, 1)[:5]
product0, product1, product2, product3, product4 = (
    make_product(SCALAR, LANES, h, VECTORS) for h in (H0, H1, H2, H3, H4)
)


def kernel(args, first, last, thread):
    """Rows ``first`` to ``last`` of every point: see the module."""
    a, a_row, a_point, b, b_step, b_point, c, c_row, c_point, points, count = unpack(args, 11)
    for _ in range(points):
        row = first
        while row + H0 <= last:
            product0(a + row * a_row, a_row, b, b_step, c + row * c_row, c_row, count)
            row += H0
        while row + H1 <= last:
            product1(a + row * a_row, a_row, b, b_step, c + row * c_row, c_row, count)
            row += H1
        while row + H2 <= last:
            product2(a + row * a_row, a_row, b, b_step, c + row * c_row, c_row, count)
            row += H2
        while row + H3 <= last:
            product3(a + row * a_row, a_row, b, b_step, c + row * c_row, c_row, count)
            row += H3
        while row < last:
            product4(a + row * a_row, a_row, b, b_step, c + row * c_row, c_row, count)
            row += 1
        a += a_point
        b += b_point
        c += c_point
