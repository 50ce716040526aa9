"""Tiles of the input to points: v[p][t][channel] = (B' d B)[p], d the tile's pixels.

Call c does the tiles from c * unit on. Tile t of all images' rows of tiles
begins TILE pixels behind its neighbour; rows and columns from the limits on
count as zeros. ``relative``: v begins with the first tile of the call. Strides
in bytes; ``size`` is TILE + TAPS - 1.
"""

from runtime.cpu.winograd.transforms import room, transformer
from runtime.vector.simd import least, vectors
from runtime.vector.vectype import ITEM_BYTES
from runtime.vector.words import unpack
from runtime.winograd import matrices

SCALAR = "f32"
LANES = 16
TILE = 4
TAPS = 3

N = TILE + TAPS - 1
BYTES = LANES * ITEM_BYTES[SCALAR]
V = vectors(SCALAR, LANES)
load, store, splat = V.load, V.store, V.splat
transform = transformer(matrices(TILE, TAPS).bt, SCALAR, LANES)
place = room(N, SCALAR, LANES)


def kernel(args, first, last, thread):
    """Calls ``first`` to ``last``: see the module."""
    (
        x, x_image, x_row, x_pixel, tiles_h, tiles_w, limit_h, limit_w, blocks,
        v, v_stride, v_point, v_tile, unit, total, relative, size,
    ) = unpack(args, 17)  # fmt: skip
    patch = place()
    zero = splat(0.0)
    tile = first * unit
    row = tile // tiles_w
    w = tile - row * tiles_w
    n = row // tiles_h
    h = row - n * tiles_h
    to = v + thread * v_stride
    if relative == 0:
        to += tile * v_tile
    for _ in range(tile, least(total, last * unit)):
        start = x + n * x_image + h * TILE * x_row + w * TILE * x_pixel
        rows = limit_h - h * TILE
        columns = limit_w - w * TILE
        if rows >= N and columns >= N:
            for block in range(blocks):
                transform(start + block * BYTES, x_row, x_pixel, to + block * BYTES, N * v_point, v_point)
        else:
            for block in range(blocks):
                cell = patch
                # ``size`` is N; were it known, LLVM would unroll both loops
                for i in range(size):
                    for j in range(size):
                        if i < rows and j < columns:
                            store(cell, 0, load(start + block * BYTES + i * x_row + j * x_pixel, 0))
                        else:
                            store(cell, 0, zero)
                        cell += BYTES
                transform(patch, N * BYTES, BYTES, to + block * BYTES, N * v_point, v_point)
        to += v_tile
        w += 1
        if w == tiles_w:
            w = 0
            h += 1
            if h == tiles_h:
                h = 0
                n += 1
