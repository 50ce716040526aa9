"""Adjoint of bilinear sampling: each dy spread over the four pixels around its place.

Chunk: a vector of channels of an image, cleared first; then the places in
order, so that the sums do not depend on the threads. See ``sample``.
"""

from runtime.vector.simd import cut, fma, vectors
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
        dy, dy_image, dy_row, dy_pixel, places, places_image, places_row, places_pixel, dx, dx_image, dx_row, dx_pixel,
        channels, height, width, out_height, out_width, blocks, by_row, by_column,
    ) = unpack(args, 20)  # fmt: skip
    for chunk in range(first, last):
        n = chunk // blocks
        c = (chunk - n * blocks) * LANES
        count = channels - c
        image = dx + n * dx_image
        for h in range(height):
            for w in range(width):
                store_tail(image + h * dx_row + w * dx_pixel, c, splat(0.0), count)
        for i in range(out_height):
            for j in range(out_width):
                place = places + n * places_image + i * places_row + j * places_pixel
                v = read(place, 0) + 1.0
                u = read(place, 1) + 1.0
                if u >= 0.0 and v >= 0.0 and u < height + 1.0 and v < width + 1.0:
                    r = cut(u) - 1
                    s = cut(v) - 1
                    f = u - 1.0 - r
                    g = v - 1.0 - s
                    d = load_tail(dy + n * dy_image + i * dy_row + j * dy_pixel, c, count)
                    for k in range(4):
                        row = r + (k >> 1)
                        column = s + (k & 1)
                        weight = (1.0 - f) if row == r else f
                        if by_row == 1:
                            weight = -1.0 if row == r else 1.0
                        across = (1.0 - g) if column == s else g
                        if by_column == 1:
                            across = -1.0 if column == s else 1.0
                        weight = weight * across
                        if row >= 0 and row < height and column >= 0 and column < width and weight != 0.0:
                            at = image + row * dx_row + column * dx_pixel
                            store_tail(at, c, fma(splat(weight), d, load_tail(at, c, count)), count)
