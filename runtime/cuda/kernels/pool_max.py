"""The largest element of each window and where in the window it is; the first of equal ones, NaN over numbers.

Taps beyond the border are those of the next row or column inside: what a window
has twice changes neither its largest nor the first place of that, and every
load is unconditional.
"""

from runtime.cuda.simt import place
from runtime.vector.simd import aligned_loader, aligned_storer, least, most, over, rest, select, splatter
from runtime.vector.words import unpack

SCALAR = "f32"
LANES = 4
INDEX = "u8"
WINDOW_H = 3
WINDOW_W = 3

LOWEST = float("-inf")
load, store = aligned_loader(SCALAR, SCALAR, LANES), aligned_storer(SCALAR, LANES)
store_index = aligned_storer(INDEX, LANES)
splat, number = splatter(SCALAR, LANES), splatter("i32", LANES)


def kernel(args):
    """A vector of channels of one pixel: see the module."""
    (
        _, _, _, _, _, _, _, _, _, count,
        x, x_image, x_channel, x_row, x_pixel, y, y_image, y_channel, y_row, y_pixel,
        at, at_image, at_channel, at_row, at_pixel, h_in, w_in, stride_h, stride_w, pad_h, pad_w,
    ) = unpack(args, 31)  # fmt: skip
    unit = place()
    if unit >= count:
        return
    c, pixel = rest(args, 0, unit) * LANES, over(args, 0, unit)
    w, row = rest(args, 3, pixel), over(args, 3, pixel)
    h, n = rest(args, 6, row), over(args, 6, row)
    top, left = h * stride_h - pad_h, w * stride_w - pad_w
    source = x + n * x_image + c * x_channel
    best = splat(LOWEST)
    which = number(most(0, -top) * WINDOW_W + most(0, -left))
    for r in range(WINDOW_H):
        a = least(most(top + r, 0), h_in - 1)
        for s in range(WINDOW_W):
            b = least(most(left + s, 0), w_in - 1)
            v = load(source + a * x_row + b * x_pixel, 0)
            larger = ~(v <= best) & (best == best)
            best = select(larger, v, best)
            which = select(larger, (a - top) * WINDOW_W + b - left, which)
    store(y + n * y_image + c * y_channel + h * y_row + w * y_pixel, 0, best)
    if at != 0:
        store_index(at + n * at_image + c * at_channel + h * at_row + w * at_pixel, 0, which)
