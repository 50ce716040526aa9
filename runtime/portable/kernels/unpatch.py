"""Windows added back into a map: each element takes its copies, tap by tap; chunk = a range of rows.

Strides in bytes. ``x`` holds the windows, the channels of a tap lie ``apart``.
Element by element: a gather of a vector takes longer.
"""

from runtime.vector.simd import least, quotient, scalar_loader, scalar_storer
from runtime.vector.vectype import ITEM_BYTES
from runtime.vector.words import unpack, zero_element

SCALAR = "f32"

ITEM = ITEM_BYTES[SCALAR]
read, write = scalar_loader(SCALAR, SCALAR), scalar_storer(SCALAR)


def kernel(args, first, last, thread):
    """Chunks ``first`` to ``last``: see the module."""
    (
        x, x_image, x_channel, x_row, x_pixel, y, y_image, y_channel, y_row, y_pixel,
        channels, h_in, w_in, height, width, rows, rows_a_chunk,
        window_h, window_w, stride_h, stride_w, pad_h, pad_w, dilation_h, dilation_w,
    ) = unpack(args, 25)  # fmt: skip
    apart = window_h * window_w * x_channel
    for row in range(first * rows_a_chunk, least(rows, last * rows_a_chunk)):
        n = row // height
        h = row - n * height
        for w in range(width):
            to = y + n * y_image + h * y_row + w * y_pixel
            for c in range(channels):
                zero_element(to + c * y_channel, ITEM)
            source = x + n * x_image
            top = h + pad_h
            for _ in range(window_h):
                i = quotient(top, stride_h)
                if top >= 0 and i < h_in and i * stride_h == top:
                    at = source + i * x_row
                    side = w + pad_w
                    for _ in range(window_w):
                        j = quotient(side, stride_w)
                        if side >= 0 and j < w_in and j * stride_w == side:
                            p = at + j * x_pixel
                            q = to
                            for _ in range(channels):
                                write(q, 0, read(q, 0) + read(p, 0))
                                p += apart
                                q += y_channel
                        side -= dilation_w
                        at += x_channel
                source += window_w * x_channel
                top -= dilation_h
