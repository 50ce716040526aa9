"""Each pixel's sum of dy, divided by the window's size, over the windows that cover it.

At most ``COVER`` windows reach a pixel along an axis.
"""

from runtime.cuda.simt import place
from runtime.vector.simd import aligned_loader, aligned_storer, least, most, over, quotient, rest, splatter
from runtime.vector.words import unpack

SCALAR = "f32"
LANES = 4
WINDOW_H = 3
WINDOW_W = 3
STRIDE_H = 2
STRIDE_W = 2
COVER_H = 2
COVER_W = 2

load, store, splat = aligned_loader(SCALAR, SCALAR, LANES), aligned_storer(SCALAR, LANES), splatter(SCALAR, LANES)


def kernel(args):
    """A vector of channels of one pixel: see the module."""
    (
        _, _, _, _, _, _, _, _, _, count,
        dy, dy_image, dy_channel, dy_row, dy_pixel, dx, dx_image, dx_channel, dx_row, dx_pixel,
        high, wide, pad_h, pad_w, height, width,
    ) = unpack(args, 26)  # fmt: skip
    unit = place()
    if unit >= count:
        return
    c, pixel = rest(args, 0, unit) * LANES, over(args, 0, unit)
    w, row = rest(args, 3, pixel), over(args, 3, pixel)
    h, n = rest(args, 6, row), over(args, 6, row)
    source = dy + n * dy_image + c * dy_channel
    first_h = quotient(most(0, h + pad_h - WINDOW_H + STRIDE_H), STRIDE_H)
    first_w = quotient(most(0, w + pad_w - WINDOW_W + STRIDE_W), STRIDE_W)
    nothing, one = splat(0.0), splat(1.0)
    total = nothing
    for i in range(COVER_H):
        a = least(first_h + i, high - 1)
        r = h + pad_h - a * STRIDE_H
        span = least(WINDOW_H, height + 2 * pad_h - a * STRIDE_H)
        for j in range(COVER_W):
            b = least(first_w + j, wide - 1)
            s = w + pad_w - b * STRIDE_W
            size = span * least(WINDOW_W, width + 2 * pad_w - b * STRIDE_W)
            v = load(source + a * dy_row + b * dy_pixel, 0) * (one / splat(float(size)))
            # a window that does not cover the pixel, or is there a second time, adds nothing
            covers = (a == first_h + i) & (b == first_w + j) & (r >= 0) & (r < WINDOW_H) & (s >= 0) & (s < WINDOW_W)
            total = total + (v if covers else nothing)
    store(dx + n * dx_image + c * dx_channel + h * dx_row + w * dx_pixel, 0, total)
