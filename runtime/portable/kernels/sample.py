"""Bilinear samples at places that are data: the four pixels around, weighed; vectors over channels.

Chunk: a range of rows of the result, n * Ho + i. ``rows``, ``columns``: 1 where
the derivative by the row or column is taken. A place more than a pixel outside
the map, or not a number, gives zeros.
"""

from runtime.vector.simd import cut, fma, least, vectors
from runtime.vector.vectype import ITEM_BYTES
from runtime.vector.words import unpack

SCALAR = "f32"
LANES = 16

ITEM = ITEM_BYTES[SCALAR]
V = vectors(SCALAR, LANES)
load_tail, store_tail, splat, read = V.load_tail, V.store_tail, V.splat, V.read


def kernel(args, first, last, thread):
    """Chunks ``first`` to ``last``: see the module."""
    (
        x, x_image, x_row, x_pixel, places, places_image, places_row, places_pixel, y, y_image, y_row, y_pixel,
        channels, height, width, out_height, out_width, rows, rows_a_chunk, by_row, by_column,
    ) = unpack(args, 21)  # fmt: skip
    for chunk in range(first, last):
        row0 = chunk * rows_a_chunk
        for row in range(row0, least(rows, row0 + rows_a_chunk)):
            n = row // out_height
            i = row - n * out_height
            for j in range(out_width):
                place = places + n * places_image + i * places_row + j * places_pixel
                v = read(place, 0) + 1.0
                u = read(place, 1) + 1.0
                to = y + n * y_image + i * y_row + j * y_pixel
                # false for what is not a number
                if u >= 0.0 and v >= 0.0 and u < height + 1.0 and v < width + 1.0:
                    r = cut(u) - 1
                    s = cut(v) - 1
                    f = u - 1.0 - r
                    g = v - 1.0 - s
                    above = -1.0 if by_row == 1 else 1.0 - f
                    below = 1.0 if by_row == 1 else f
                    left = -1.0 if by_column == 1 else 1.0 - g
                    right = 1.0 if by_column == 1 else g
                    w00 = splat(above * left)
                    w01 = splat(above * right)
                    w10 = splat(below * left)
                    w11 = splat(below * right)
                    # a pixel outside the map, or of no weight, is not read: it might not be a number
                    n00 = channels if r >= 0 and s >= 0 and above * left != 0.0 else 0
                    n01 = channels if r >= 0 and s + 1 < width and above * right != 0.0 else 0
                    n10 = channels if r + 1 < height and s >= 0 and below * left != 0.0 else 0
                    n11 = channels if r + 1 < height and s + 1 < width and below * right != 0.0 else 0
                    at = x + n * x_image + r * x_row + s * x_pixel
                    for c in range(0, channels, LANES):
                        total = w00 * load_tail(at, c, n00 - c)
                        total = fma(w01, load_tail(at + x_pixel, c, n01 - c), total)
                        total = fma(w10, load_tail(at + x_row, c, n10 - c), total)
                        total = fma(w11, load_tail(at + x_row + x_pixel, c, n11 - c), total)
                        store_tail(to, c, total, channels - c)
                else:
                    for c in range(0, channels, LANES):
                        store_tail(to, c, splat(0.0), channels - c)
