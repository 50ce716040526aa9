"""Gradient of the correlation of two maps for one of them: dy times the other's pixels, or by the sign of differences.

Chunk: a range of rows of the map, n * H + row. Vectors over channels, four of
them at a time; for each the displacements in order. ``side`` is 1 for a, whose
partners lie ahead, and -1 for b, whose partners (and windows) lie behind.
"""

from runtime.vector.simd import fma, least, real, sign, vectors
from runtime.vector.vectype import ITEM_BYTES
from runtime.vector.words import unpack

SCALAR = "f32"
LANES = 16
MODE = "multiply"

ITEM = ITEM_BYTES[SCALAR]
V = vectors(SCALAR, LANES)
load, load_tail, store, store_tail, splat, broadcast = (
    V.load, V.load_tail, V.store, V.store_tail, V.splat, V.broadcast
)  # fmt: skip


def kernel(args, first, last, thread):
    """Chunks ``first`` to ``last``: see the module."""
    (
        dy, dy_image, dy_row, dy_pixel, other, other_image, other_row, other_pixel,
        own, own_image, own_row, own_pixel, dx, dx_image, dx_row, dx_pixel,
        channels, height, width, out_height, out_width, rows, rows_a_chunk,
        stride, start_y, start_x, first_y, first_x, step, count_y, count_x, side,
    ) = unpack(args, 32)  # fmt: skip
    scale = splat(real(args, 32))
    for chunk in range(first, last):
        row0 = chunk * rows_a_chunk
        for row in range(row0, least(rows, row0 + rows_a_chunk)):
            n = row // height
            h = row - n * height
            for w in range(width):
                to = dx + n * dx_image + h * dx_row + w * dx_pixel
                mine = own + n * own_image + h * own_row + w * own_pixel
                c = 0
                while c < channels:
                    four = MODE == "multiply" and c + 4 * LANES <= channels
                    left = channels - c
                    s0 = splat(0.0)
                    s1 = splat(0.0)
                    s2 = splat(0.0)
                    s3 = splat(0.0)
                    v = splat(0.0)
                    if MODE != "multiply":
                        v = load_tail(mine, c, left)
                    for p in range(count_y):
                        there_y = h + side * (first_y + p * step)
                        t = (h if side > 0 else there_y) - start_y
                        i = t // stride
                        on_row = there_y >= 0 and there_y < height
                        if t < 0 or i * stride != t or i >= out_height or (MODE == "multiply" and not on_row):
                            continue
                        for q in range(count_x):
                            there_x = w + side * (first_x + q * step)
                            u = (w if side > 0 else there_x) - start_x
                            j = u // stride
                            inside = on_row and there_x >= 0 and there_x < width
                            if u < 0 or j * stride != u or j >= out_width or (MODE == "multiply" and not inside):
                                continue
                            d = broadcast(dy + n * dy_image + i * dy_row + j * dy_pixel + (p * count_x + q) * ITEM)
                            at = other + n * other_image + there_y * other_row + there_x * other_pixel + c * ITEM
                            if MODE != "multiply":
                                s0 = fma(d, sign(v - load_tail(at, 0, left if inside else 0)), s0)
                            elif four:
                                s0 = fma(d, load(at, 0), s0)
                                s1 = fma(d, load(at, LANES), s1)
                                s2 = fma(d, load(at, 2 * LANES), s2)
                                s3 = fma(d, load(at, 3 * LANES), s3)
                            else:
                                s0 = fma(d, load_tail(at, 0, left), s0)
                    if four:
                        store(to, c, s0 * scale)
                        store(to, c + LANES, s1 * scale)
                        store(to, c + 2 * LANES, s2 * scale)
                        store(to, c + 3 * LANES, s3 * scale)
                        c += 4 * LANES
                    else:
                        store_tail(to, c, s0 * scale, left)
                        c += LANES
