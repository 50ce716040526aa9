"""The largest element of each bin of each region and where it lies in the map, vectors over channels.

Chunk: a range of rows of bins, counted through regions. Strides in bytes. The
scale is a float behind the words; a result at address 0 is not wanted.
"""

from runtime.portable.regions import regions
from runtime.vector.access import splatter, tail_storer
from runtime.vector.simd import least, most, real, select, vectors
from runtime.vector.words import unpack

SCALAR = "f32"
LANES = 16
LIMIT = 1 << 24

V = vectors(SCALAR, LANES)
load, store_tail, splat = V.load, V.store_tail, V.splat
store_index, place = tail_storer("i32", LANES), splatter("i32", LANES)
R = regions(SCALAR, LIMIT)
image, corner = R.image, R.corner


def kernel(args, first, last, thread):
    """Chunks ``first`` to ``last``: see the module."""
    (
        x, x_image, x_row, x_pixel, rois, roi_row, roi_step,
        y, y_region, y_row, y_pixel, at, at_region, at_row, at_pixel,
        images, channels, height, width, bins_h, bins_w, rows, rows_a_chunk,
    ) = unpack(args, 23)  # fmt: skip
    scale = real(args, 23)
    for chunk in range(first, last):
        row0 = chunk * rows_a_chunk
        for row in range(row0, least(rows, row0 + rows_a_chunk)):
            r = row // bins_h
            p = row - r * bins_h
            roi = rois + r * roi_row
            n = image(roi, roi_step, images)
            left = corner(roi, roi_step, scale)
            top = corner(roi, 2 * roi_step, scale)
            wide = most(corner(roi, 3 * roi_step, scale) - left + 1, 1)
            high = most(corner(roi, 4 * roi_step, scale) - top + 1, 1)
            h0 = least(most(top + p * high // bins_h, 0), height)
            h1 = least(most(top + ((p + 1) * high + bins_h - 1) // bins_h, 0), height)
            if n < 0:
                h1 = h0
            for q in range(bins_w):
                w0 = least(most(left + q * wide // bins_w, 0), width)
                w1 = least(most(left + ((q + 1) * wide + bins_w - 1) // bins_w, 0), width)
                to_y = y + r * y_region + p * y_row + q * y_pixel
                to_at = at + r * at_region + p * at_row + q * at_pixel
                corner_x = x + n * x_image + h0 * x_row + w0 * x_pixel
                for c in range(0, channels, LANES):
                    best = splat(0.0)
                    which = place(-1)
                    if h0 < h1 and w0 < w1:
                        best = load(corner_x, c)
                        which = place(h0 * width + w0)
                        for h in range(h0, h1):
                            source = corner_x + (h - h0) * x_row
                            for w in range(w0, w1):
                                v = load(source, c)
                                larger = ~(v <= best) & (best == best)
                                best = select(larger, v, best)
                                which = select(larger, place(h * width + w), which)
                                source += x_pixel
                    if y != 0:
                        store_tail(to_y, c, best, channels - c)
                    if at != 0:
                        store_index(to_at, c, which, channels - c)
