"""Pooling of rows of output pixels, vectors over channels; windows clipped to the map.

MAX: the first largest wins, NaN wins over numbers; the index (none where its
address is 0) counts within the unclipped window. AVE: Caffe's divisor, which
counts the padding up to H + pad. Strides in bytes; epilogues behind the words.
"""

from runtime.cpu.simd import call, least, most, select, splatter, tail_storer, vectors, word
from runtime.cpu.words import unpack

SCALAR = "f32"
LANES = 16
MAX = True
INDEX = "u8"

ITEM = 4 if SCALAR == "f32" else 8
V = vectors(SCALAR, LANES)
load, store_tail, splat = V.load, V.store_tail, V.splat
place = splatter("i32", LANES)
store_index = tail_storer(INDEX, LANES)
WORDS = 26


def kernel(args, first, last, thread):
    """Chunks ``first`` to ``last``: see the module."""
    (
        x, x_image, x_row, x_pixel, y, y_image, y_row, y_pixel, at, at_image, at_row, at_pixel,
        channels, h_in, w_in, height, width, rows, rows_a_chunk,
        window_h, window_w, stride_h, stride_w, pad_h, pad_w, epilogues,
    ) = unpack(args, 26)  # fmt: skip
    for chunk in range(first, last):
        row0 = chunk * rows_a_chunk
        row1 = least(rows, row0 + rows_a_chunk)
        for row in range(row0, row1):
            n = row // height
            h = row - n * height
            top = h * stride_h - pad_h
            r0 = most(0, -top)
            r1 = least(window_h, h_in - top)
            span = least(window_h, h_in + pad_h - top)
            for w in range(width):
                left = w * stride_w - pad_w
                s0 = most(0, -left)
                s1 = least(window_w, w_in - left)
                from_x = x + n * x_image + (top + r0) * x_row + (left + s0) * x_pixel
                to_y = y + n * y_image + h * y_row + w * y_pixel
                for c in range(0, channels, LANES):
                    if MAX:
                        best = load(from_x, c)
                        which = place(r0 * window_w + s0)
                        for r in range(r0, r1):
                            p = from_x + (r - r0) * x_row
                            for s in range(s0, s1):
                                v = load(p, c)
                                larger = ~(v <= best) & (best == best)
                                best = select(larger, v, best)
                                which = select(larger, place(r * window_w + s), which)
                                p += x_pixel
                        store_tail(to_y, c, best, channels - c)
                        if at != 0:
                            to = at + n * at_image + h * at_row + w * at_pixel
                            store_index(to, c, which, channels - c)
                    else:
                        total = splat(0.0)
                        for r in range(r0, r1):
                            p = from_x + (r - r0) * x_row
                            for _ in range(s0, s1):
                                total = total + load(p, c)
                                p += x_pixel
                        divisor = span * least(window_w, w_in + pad_w - left)
                        store_tail(to_y, c, total / splat(float(divisor)), channels - c)
        for e in range(epilogues):
            call(word(args, WORDS + 2 * e), word(args, WORDS + 1 + 2 * e), row0, row1, thread)
