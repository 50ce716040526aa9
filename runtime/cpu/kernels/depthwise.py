"""Depthwise convolution: each channel with its own taps, vectors over channels, four pixels at a time.

Weights are packed as [vector of channels][r][s][lane]. Strides in bytes; the
epilogues (pairs of function and arguments behind the words) run on the chunk's
rows.
"""

from runtime.cpu.simd import call, fma, least, vectors, word
from runtime.cpu.words import unpack

SCALAR = "f32"
LANES = 16

ITEM = 4 if SCALAR == "f32" else 8
V = vectors(SCALAR, LANES)
load, store, store_tail, splat = V.load, V.store, V.store_tail, V.splat
WORDS = 19


def kernel(args, first, last, thread):
    """Chunks ``first`` to ``last``: see the module."""
    (
        x, x_image, x_row, x_pixel, tap_row, tap_pixel,
        y, y_image, y_row, y_pixel,
        height, width, rows, rows_a_chunk, channels, taps_r, taps_s, weights, epilogues,
    ) = unpack(args, 19)  # fmt: skip
    for chunk in range(first, last):
        row0 = chunk * rows_a_chunk
        row1 = least(rows, row0 + rows_a_chunk)
        for row in range(row0, row1):
            n = row // height
            h = row - n * height
            from_x = x + n * x_image + h * x_row
            to_y = y + n * y_image + h * y_row
            for c in range(0, channels, LANES):
                start = weights + c * taps_r * taps_s * ITEM
                for w in range(0, width, 4):
                    p = from_x + w * x_pixel + c * ITEM
                    some = least(4, width - w)
                    q1 = least(1, some - 1) * x_pixel  # the last pixel again where there are fewer than four
                    q2 = least(2, some - 1) * x_pixel
                    q3 = least(3, some - 1) * x_pixel
                    a0 = splat(0.0)
                    a1 = splat(0.0)
                    a2 = splat(0.0)
                    a3 = splat(0.0)
                    k = 0
                    for r in range(taps_r):
                        tap = p + r * tap_row
                        for _ in range(taps_s):
                            weight = load(start, k)
                            a0 = fma(load(tap, 0), weight, a0)
                            a1 = fma(load(tap + q1, 0), weight, a1)
                            a2 = fma(load(tap + q2, 0), weight, a2)
                            a3 = fma(load(tap + q3, 0), weight, a3)
                            tap += tap_pixel
                            k += LANES
                    to = to_y + w * y_pixel + c * ITEM
                    left = channels - c
                    store_tail(to, 0, a0, left)
                    if some > 1:
                        store_tail(to + y_pixel, 0, a1, left)
                    if some > 2:
                        store_tail(to + 2 * y_pixel, 0, a2, left)
                    if some > 3:
                        store_tail(to + 3 * y_pixel, 0, a3, left)
        for e in range(epilogues):
            call(word(args, WORDS + 2 * e), word(args, WORDS + 1 + 2 * e), row0, row1, thread)
