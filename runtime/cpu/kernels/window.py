"""Sums over a window of channels, vectors over channels; zeros beyond the first and the last.

Chunk: a range of the positions of the other axes, whose three sizes and strides
(bytes) are given; epilogues behind the words.
"""

from runtime.vector.simd import call, least, most, ramp, select, vectors, word
from runtime.vector.vectype import ITEM_BYTES
from runtime.vector.words import unpack

SCALAR = "f32"
LANES = 16

ITEM = ITEM_BYTES[SCALAR]
V = vectors(SCALAR, LANES)
load, gather, store_tail, scatter, splat = V.load, V.gather, V.store_tail, V.scatter, V.splat
channel = ramp("i32", LANES)
WORDS = 17


def kernel(args, first, last, thread):
    """Chunks ``first`` to ``last``: see the module."""
    (
        x, x_image, x_row, x_pixel, x_channel, y, y_image, y_row, y_pixel, y_channel,
        channels, half, height, width, rows, rows_a_chunk, epilogues,
    ) = unpack(args, 17)  # fmt: skip
    for chunk in range(first, last):
        row0 = chunk * rows_a_chunk
        row1 = least(rows, row0 + rows_a_chunk)
        for row in range(row0, row1):
            n = row // height
            h = row - n * height
            for w in range(width):
                source = x + n * x_image + h * x_row + w * x_pixel
                to = y + n * y_image + h * y_row + w * y_pixel
                for c in range(0, channels, LANES):
                    low = most(c - half, 1 - LANES)
                    high = least(c + half, channels - 1)
                    total = splat(0.0)
                    for d in range(low, high + 1):
                        if x_channel == ITEM:
                            v = load(source, d)
                            if d < 0 or d + LANES > channels:
                                at = channel(d, 1)
                                v = select((at >= 0) & (at < channels), v, splat(0.0))
                        else:
                            v = gather(source + d * x_channel, x_channel, channels - d)
                            if d < 0:
                                v = select(channel(d, 1) >= 0, v, splat(0.0))
                        total = total + v
                    if y_channel == ITEM:
                        store_tail(to, c, total, channels - c)
                    else:
                        scatter(to + c * y_channel, y_channel, total, channels - c)
        for e in range(epilogues):
            call(word(args, WORDS + 2 * e), word(args, WORDS + 1 + 2 * e), row0, row1, thread)
