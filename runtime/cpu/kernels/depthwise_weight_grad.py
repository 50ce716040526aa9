"""Partial weight gradients of a depthwise convolution: vectors over channels.

Chunk: a range of images (one part) times a vector of channels. A partial is
[(r, s)][channel]; strides in bytes.
"""

from runtime.cpu.simd import fma, vectors
from runtime.cpu.words import unpack

SCALAR = "f32"
LANES = 16

ITEM = 4 if SCALAR == "f32" else 8
V = vectors(SCALAR, LANES)
load, store, splat = V.load, V.store, V.splat


def kernel(args, first, last, thread):
    """Chunks ``first`` to ``last``: see the module."""
    (
        x, x_image, x_row, x_pixel, tap_row, tap_pixel, taps_r, taps_s,
        y, y_image, y_row, y_pixel, height, width, rows, parts, channel_vectors, to, part_bytes, row_bytes,
    ) = unpack(args, 20)  # fmt: skip
    for chunk in range(first, last):
        part = chunk // channel_vectors
        c = (chunk - part * channel_vectors) * LANES * ITEM
        partial = to + part * part_bytes + c
        for tap in range(taps_r * taps_s):
            store(partial + tap * row_bytes, 0, splat(0.0))
        for row in range(part * rows // parts, (part + 1) * rows // parts):
            n = row // height
            h = row - n * height
            from_x = x + n * x_image + h * x_row + c
            from_y = y + n * y_image + h * y_row + c
            for r in range(taps_r):
                for s in range(taps_s):
                    p = from_x + r * tap_row + s * tap_pixel
                    q = from_y
                    at = partial + (r * taps_s + s) * row_bytes
                    even = load(at, 0)
                    odd = splat(0.0)
                    for _ in range(width // 2):
                        even = fma(load(p, 0), load(q, 0), even)
                        odd = fma(load(p + x_pixel, 0), load(q + y_pixel, 0), odd)
                        p += 2 * x_pixel
                        q += 2 * y_pixel
                    if width % 2 == 1:
                        even = fma(load(p, 0), load(q, 0), even)
                    store(at, 0, even + odd)
