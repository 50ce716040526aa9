"""The sum of each window divided by Caffe's window size, which counts padding but ends at H + pad."""

from runtime.cuda.simt import place
from runtime.vector.simd import aligned_loader, aligned_storer, least, most, over, rest, splatter
from runtime.vector.words import unpack

SCALAR = "f32"
LANES = 4
WINDOW_H = 3
WINDOW_W = 3

load, store, splat = aligned_loader(SCALAR, SCALAR, LANES), aligned_storer(SCALAR, LANES), splatter(SCALAR, LANES)


def kernel(args):
    """A vector of channels of one pixel: see the module."""
    (
        _, _, _, _, _, _, _, _, _, count,
        x, x_image, x_channel, x_row, x_pixel, y, y_image, y_channel, y_row, y_pixel,
        h_in, w_in, stride_h, stride_w, pad_h, pad_w,
    ) = unpack(args, 26)  # fmt: skip
    unit = place()
    if unit >= count:
        return
    c, pixel = rest(args, 0, unit) * LANES, over(args, 0, unit)
    w, row = rest(args, 3, pixel), over(args, 3, pixel)
    h, n = rest(args, 6, row), over(args, 6, row)
    top, left = h * stride_h - pad_h, w * stride_w - pad_w
    source = x + n * x_image + c * x_channel
    nothing = splat(0.0)
    total = nothing
    for r in range(WINDOW_H):
        a = least(most(top + r, 0), h_in - 1)
        for s in range(WINDOW_W):
            b = least(most(left + s, 0), w_in - 1)
            # loaded from inside the map whatever the tap, so that no load waits for a test
            v = load(source + a * x_row + b * x_pixel, 0)
            total = total + (v if (a == top + r) & (b == left + s) else nothing)
    size = least(WINDOW_H, h_in + pad_h - top) * least(WINDOW_W, w_in + pad_w - left)
    store(y + n * y_image + c * y_channel + h * y_row + w * y_pixel, 0, total / splat(float(size)))
