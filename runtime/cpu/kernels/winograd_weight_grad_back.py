"""Sums a point back to weights, A' D A, a row of (c, r, s) for each k.

The words at ``args``: the sums of the first row, bytes from point to point,
columns that a row holds, rows c; columns k; where element (0, 0, 0, 0) of the
result goes, bytes from k to k; scratch for some rows.
"""

from runtime.cpu.winograd.scaled import scaled
from runtime.cpu.winograd.transforms import transformer
from runtime.vector.simd import least
from runtime.vector.vectype import ITEM_BYTES
from runtime.vector.words import spreader, unpack

SCALAR = "f32"
LANES = 16
OUTPUTS = 3
TILE = 4

MATRIX = scaled(OUTPUTS, TILE).at
SIZE = len(MATRIX[0])
ITEM = ITEM_BYTES[SCALAR]
BYTES = LANES * ITEM
TAPS = OUTPUTS * OUTPUTS
transform = transformer(MATRIX, SCALAR, LANES)
spread = spreader(SCALAR, LANES)


def kernel(args, first, last, thread):
    """All of it: see the module."""
    source, point, width, rows, columns, to, column_bytes, patch = unpack(args, 8)
    for i in range(0, columns, LANES):
        c = 0
        while c < rows:
            count = least(LANES, rows - c)
            for q in range(count):
                transform(
                    source + (c + q) * width * ITEM + i * ITEM, SIZE * point, point,
                    patch + q * TAPS * BYTES, OUTPUTS * BYTES, BYTES,
                )  # fmt: skip
            there = to + i * column_bytes + c * TAPS * ITEM
            for q in range(0, count * TAPS, LANES):
                spread(patch + q * BYTES, BYTES, there + q * ITEM, column_bytes, count * TAPS - q, columns - i)
            c += LANES
