"""Each pixel of a with displaced ones of b: the mean over channels of products, or of absolute differences.

Chunk: a range of rows of the result, n * Ho + i. Vectors over channels, four
displacements along a row at a time; a pixel outside its map is zeros.
"""

from runtime.vector.simd import absolute, device, fma, hsum, least, real, vectors
from runtime.vector.vectype import ITEM_BYTES
from runtime.vector.words import unpack

SCALAR = "f32"
LANES = 16
MODE = "multiply"

ITEM = ITEM_BYTES[SCALAR]
V = vectors(SCALAR, LANES)
load, load_tail, splat, write = V.load, V.load_tail, V.splat, V.write


@device
def added(total, x, y):
    """The sum with the terms of two vectors."""
    if MODE == "multiply":
        return fma(x, y, total)
    return total + absolute(x - y)


def kernel(args, first, last, thread):
    """Chunks ``first`` to ``last``: see the module."""
    (
        a, a_image, a_row, a_pixel, b, b_image, b_row, b_pixel, y, y_image, y_row, y_pixel,
        channels, height, width, out_height, out_width, rows, rows_a_chunk,
        stride, start_y, start_x, first_y, first_x, step, count_y, count_x, whole,
    ) = unpack(args, 28)  # fmt: skip
    scale = splat(real(args, 28))
    for chunk in range(first, last):
        row0 = chunk * rows_a_chunk
        for row in range(row0, least(rows, row0 + rows_a_chunk)):
            n = row // out_height
            i = row - n * out_height
            ya = start_y + i * stride
            for j in range(out_width):
                xa = start_x + j * stride
                to = y + n * y_image + i * y_row + j * y_pixel
                here = ya >= 0 and ya < height and xa >= 0 and xa < width
                n_here = channels if here else 0
                pa = a + n * a_image + ya * a_row + xa * a_pixel
                for p in range(count_y):
                    yb = ya + first_y + p * step
                    on_row = yb >= 0 and yb < height
                    q = 0
                    while q < count_x:
                        xb = xa + first_x + q * step
                        pb = b + n * b_image + yb * b_row + xb * b_pixel
                        if here and on_row and q + 4 <= count_x and xb >= 0 and xb + 3 * step < width:
                            pb1 = pb + step * b_pixel
                            pb2 = pb1 + step * b_pixel
                            pb3 = pb2 + step * b_pixel
                            s0 = splat(0.0)
                            s1 = splat(0.0)
                            s2 = splat(0.0)
                            s3 = splat(0.0)
                            for c in range(0, whole, LANES):
                                va = load(pa, c)
                                s0 = added(s0, va, load(pb, c))
                                s1 = added(s1, va, load(pb1, c))
                                s2 = added(s2, va, load(pb2, c))
                                s3 = added(s3, va, load(pb3, c))
                            if whole < channels:
                                left = channels - whole
                                va = load_tail(pa, whole, left)
                                s0 = added(s0, va, load_tail(pb, whole, left))
                                s1 = added(s1, va, load_tail(pb1, whole, left))
                                s2 = added(s2, va, load_tail(pb2, whole, left))
                                s3 = added(s3, va, load_tail(pb3, whole, left))
                            write(to, p * count_x + q, hsum(s0 * scale))
                            write(to, p * count_x + q + 1, hsum(s1 * scale))
                            write(to, p * count_x + q + 2, hsum(s2 * scale))
                            write(to, p * count_x + q + 3, hsum(s3 * scale))
                            q += 4
                        else:
                            n_there = channels if on_row and xb >= 0 and xb < width else 0
                            s0 = splat(0.0)
                            # nothing times what is not a number would not be nothing
                            count = least(n_here, n_there) if MODE == "multiply" else channels
                            for c in range(0, count, LANES):
                                s0 = added(s0, load_tail(pa, c, n_here - c), load_tail(pb, c, n_there - c))
                            write(to, p * count_x + q, hsum(s0 * scale))
                            q += 1
