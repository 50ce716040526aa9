"""Gradient of pooling by rows of dx, vectors over channels: a row gathers from the windows that reach it.

MAX: those whose index names it; AVE: dy over Caffe's divisor. Strides in
bytes; epilogues behind the words.
"""

from runtime.cpu.simd import call, least, loader, most, select, splatter, vectors, word
from runtime.cpu.words import unpack

SCALAR = "f32"
LANES = 16
MAX = True
INDEX = "u8"

V = vectors(SCALAR, LANES)
load, store_tail, splat = V.load, V.store_tail, V.splat
load_index = loader(INDEX, "i32", LANES)
place = splatter("i32", LANES)
WORDS = 26


def kernel(args, first, last, thread):
    """Chunks ``first`` to ``last``: see the module."""
    (
        y, y_image, y_row, y_pixel, at, at_image, at_row, at_pixel, x, x_image, x_row, x_pixel,
        channels, h_out, w_out, height, width, rows, rows_a_chunk,
        window_h, window_w, stride_h, stride_w, pad_h, pad_w, epilogues,
    ) = unpack(args, 26)  # fmt: skip
    for chunk in range(first, last):
        row0 = chunk * rows_a_chunk
        row1 = least(rows, row0 + rows_a_chunk)
        for row in range(row0, row1):
            n = row // height
            h = row - n * height
            i0 = most(0, h + pad_h - window_h + stride_h) // stride_h
            i1 = least(h_out, (h + pad_h) // stride_h + 1)
            to = x + n * x_image + h * x_row
            for w in range(width):
                for c in range(0, channels, LANES):
                    store_tail(to + w * x_pixel, c, splat(0.0), channels - c)
            for i in range(i0, i1):
                r = h + pad_h - i * stride_h
                span = least(window_h, height + 2 * pad_h - i * stride_h)
                p = y + n * y_image + i * y_row
                q = at + n * at_image + i * at_row
                left = -pad_w
                for _ in range(w_out):
                    s0 = most(0, -left)
                    s1 = least(window_w, width - left)
                    start = to + (left + s0) * x_pixel
                    if MAX:
                        for c in range(0, channels, LANES):
                            dy = load(p, c)
                            index = load_index(q, c)
                            element = start
                            for s in range(s0, s1):
                                mine = select(index == place(r * window_w + s), dy, splat(0.0))
                                store_tail(element, c, load(element, c) + mine, channels - c)
                                element += x_pixel
                    else:
                        divisor = splat(float(span * least(window_w, width + pad_w - left)))
                        for c in range(0, channels, LANES):
                            share = load(p, c) / divisor
                            element = start
                            for _ in range(s0, s1):
                                store_tail(element, c, load(element, c) + share, channels - c)
                                element += x_pixel
                    p += y_pixel
                    q += at_pixel
                    left += stride_w
        for e in range(epilogues):
            call(word(args, WORDS + 2 * e), word(args, WORDS + 1 + 2 * e), row0, row1, thread)
