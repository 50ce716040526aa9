"""Gradients of bins added to the elements that they chose, region by region.

Chunk: a vector's channels of an image, so that nobody else adds to the same
elements. Strides in bytes. An index that is none of the map's is left out.
"""

from runtime.cpu.access import scalar_loader
from runtime.cpu.regions import regions
from runtime.cpu.simd import device, least, vectors
from runtime.cpu.vectype import ITEM_BYTES
from runtime.cpu.words import unpack

SCALAR = "f32"
LANES = 16
LIMIT = 1 << 24

ITEM = ITEM_BYTES[SCALAR]
V = vectors(SCALAR, LANES)
store_tail, splat, read, write = V.store_tail, V.splat, V.read, V.write
read_index = scalar_loader("i32", "i64")
image = regions(SCALAR, LIMIT).image


@device
def line_of(i, across):
    """The row of element i, given one over the columns: exact, halves keep the quotient away from whole numbers."""
    return int((i + 0.5) * across)


def kernel(args, first, last, thread):
    """Chunks ``first`` to ``last``: see the module."""
    (
        dy, dy_region, dy_row, dy_pixel, at, at_region, at_row, at_pixel, rois, roi_row, roi_step,
        dx, dx_image, dx_row, dx_pixel, images, channels, height, width, bins_h, bins_w, count, blocks,
    ) = unpack(args, 23)  # fmt: skip
    across = 1.0 / width
    for chunk in range(first, last):
        n = chunk // blocks
        c0 = (chunk - n * blocks) * LANES
        c1 = least(channels, c0 + LANES)
        to = dx + n * dx_image
        for h in range(height):
            for w in range(width):
                store_tail(to + h * dx_row + w * dx_pixel, c0, splat(0.0), c1 - c0)
        for r in range(count):
            if image(rois + r * roi_row, roi_step, images) == n:
                for p in range(bins_h):
                    for q in range(bins_w):
                        source = dy + r * dy_region + p * dy_row + q * dy_pixel
                        which = at + r * at_region + p * at_row + q * at_pixel
                        for c in range(c0, c1):
                            i = read_index(which, c)
                            if i >= 0 and i < height * width:
                                h = line_of(i, across)
                                place = to + h * dx_row + (i - h * width) * dx_pixel
                                write(place, c, read(place, c) + read(source, c))
