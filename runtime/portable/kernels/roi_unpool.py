"""Gradients of bins added to the elements that they chose, region by region.

Chunk: a vector's channels of an image, so that nobody else adds to the same
elements. They are added up in a thread's scratch, pixel behind pixel: where
pixels lie a power of two apart, few of them would share the cache. Strides in
bytes. An index that is none of the map's is left out.
"""

from runtime.portable.regions import regions
from runtime.vector.access import scalar_loader
from runtime.vector.simd import least, vectors
from runtime.vector.words import unpack

SCALAR = "f32"
LANES = 16
LIMIT = 1 << 24

V = vectors(SCALAR, LANES)
load, store, store_tail, splat, read, write = V.load, V.store, V.store_tail, V.splat, V.read, V.write
read_index = scalar_loader("i32", "i64")
image = regions(SCALAR, LIMIT).image


def kernel(args, first, last, thread):
    """Chunks ``first`` to ``last``: see the module."""
    (
        dy, dy_region, dy_row, dy_pixel, at, at_region, at_row, at_pixel, rois, roi_row, roi_step,
        dx, dx_image, dx_row, dx_pixel, images, channels, height, width, bins_h, bins_w, count, blocks,
        scratch, scratch_stride,
    ) = unpack(args, 25)  # fmt: skip
    plane = scratch + thread * scratch_stride
    for chunk in range(first, last):
        n = chunk // blocks
        c0 = (chunk - n * blocks) * LANES
        c1 = least(channels, c0 + LANES)
        for i in range(height * width):
            store(plane, i * LANES, splat(0.0))
        for r in range(count):
            if image(rois + r * roi_row, roi_step, images) == n:
                for p in range(bins_h):
                    for q in range(bins_w):
                        source = dy + r * dy_region + p * dy_row + q * dy_pixel
                        which = at + r * at_region + p * at_row + q * at_pixel
                        for c in range(c0, c1):
                            i = read_index(which, c)
                            if i >= 0 and i < height * width:
                                place = i * LANES + c - c0
                                write(plane, place, read(plane, place) + read(source, c))
        for h in range(height):
            to = dx + n * dx_image + h * dx_row
            for w in range(width):
                store_tail(to, c0, load(plane, (h * width + w) * LANES), c1 - c0)
                to += dx_pixel
