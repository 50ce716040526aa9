"""Tiles of a strided convolution's input to points: as winograd_input, the phases of rows and columns as channels.

Pixel (i S + a, j S + b) of a tile is pixel (i, j) of phase (a, b); channel c of
the phase is channel (a S + b) C + c of the points. Pixels without gaps make
``runs`` = 1 run of the S phases of a row, else each is a run. The last lanes of
a run are written again by the next one. Rows from ``limit_h`` and pixels from
``limit_w`` on count as zeros.
"""

from runtime.cpu.winograd.transforms import transformer
from runtime.vector.simd import least, most, vectors
from runtime.vector.vectype import ITEM_BYTES
from runtime.vector.words import unpack
from runtime.winograd import matrices

SCALAR = "f32"
LANES = 16
TILE = 4
TAPS = 3

N = TILE + TAPS - 1
ITEM = ITEM_BYTES[SCALAR]
BYTES = LANES * ITEM
V = vectors(SCALAR, LANES)
load_tail, store = V.load_tail, V.store
transform = transformer(matrices(TILE, TAPS).bt, SCALAR, LANES)


def kernel(args, first, last, thread):
    """Calls ``first`` to ``last``: see winograd_input."""
    (
        x, x_image, x_row, x_pixel, tiles_h, tiles_w, limit_h, limit_w, stride, channels, runs,
        v, v_stride, v_point, v_tile, unit, total, relative, scratch, scratch_stride,
    ) = unpack(args, 20)  # fmt: skip
    patch = scratch + thread * scratch_stride
    run = stride * channels if runs == 1 else channels
    tile = first * unit
    row = tile // tiles_w
    w = tile - row * tiles_w
    n = row // tiles_h
    h = row - n * tiles_h
    to = v + thread * v_stride
    if relative == 0:
        to += tile * v_tile
    for _ in range(tile, least(total, last * unit)):
        top = h * TILE * stride
        left = w * TILE * stride
        start = x + n * x_image + top * x_row + left * x_pixel
        inside = top + N * stride <= limit_h and left + N * stride <= limit_w
        for part in range(stride * runs):
            a = part // runs
            b = part - a * runs
            for e in range(0, run, LANES):
                source = start + a * x_row + b * x_pixel + e * ITEM
                row_step = stride * x_row
                column_step = stride * x_pixel
                if not inside:
                    for i in range(N):
                        for j in range(N):
                            count = (limit_w - left - j * stride - b) * channels - e
                            if top + i * stride + a >= limit_h:
                                count = 0
                            there = load_tail(source + i * row_step + j * column_step, 0, most(0, count))
                            store(patch + (i * N + j) * BYTES, 0, there)
                    source = patch
                    row_step = N * BYTES
                    column_step = BYTES
                transform(source, row_step, column_step, to + (part * run + e) * ITEM, N * v_point, v_point)
        to += v_tile
        w += 1
        if w == tiles_w:
            w = 0
            h += 1
            if h == tiles_h:
                h = 0
                n += 1
