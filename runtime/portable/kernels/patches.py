"""The elements of each window as channels, zeros outside the map; chunk = a range of rows.

Strides in bytes. The channels of a tap lie ``apart`` in the result.
"""

from runtime.vector.simd import least, vectors
from runtime.vector.vectype import ITEM_BYTES
from runtime.vector.words import copy_element, unpack, zero_element

SCALAR = "f32"
LANES = 16

ITEM = ITEM_BYTES[SCALAR]
V = vectors(SCALAR, LANES)
load_tail, store_tail, splat = V.load_tail, V.store_tail, V.splat


def kernel(args, first, last, thread):
    """Chunks ``first`` to ``last``: see the module."""
    (
        x, x_image, x_channel, x_row, x_pixel, y, y_image, y_channel, y_row, y_pixel,
        channels, h_in, w_in, height, width, rows, rows_a_chunk,
        window_h, window_w, stride_h, stride_w, pad_h, pad_w, dilation_h, dilation_w,
    ) = unpack(args, 25)  # fmt: skip
    apart = window_h * window_w * y_channel
    for row in range(first * rows_a_chunk, least(rows, last * rows_a_chunk)):
        n = row // height
        i = row - n * height
        for j in range(width):
            to = y + n * y_image + i * y_row + j * y_pixel
            h = i * stride_h - pad_h
            for _ in range(window_h):
                w = j * stride_w - pad_w
                for _ in range(window_w):
                    inside = h >= 0 and h < h_in and w >= 0 and w < w_in
                    source = x + n * x_image + h * x_row + w * x_pixel
                    if apart == ITEM and x_channel == ITEM:
                        for c in range(0, channels, LANES):
                            left = channels - c
                            store_tail(to, c, load_tail(source, c, left) if inside else splat(0.0), left)
                    elif inside:
                        # one by one: a scatter of a vector takes longer
                        q = to
                        for _ in range(channels):
                            copy_element(q, source, ITEM)
                            source += x_channel
                            q += apart
                    else:
                        for c in range(channels):
                            zero_element(to + c * apart, ITEM)
                    to += y_channel
                    w += dilation_w
                h += dilation_h
