"""Tiles of a map transformed for a weight gradient, M X M': of x (overlapping) or of dy.

A chunk is a range of tiles, counted through images, rows and columns of tiles.
Element (i, j) of the results goes to ``to + i to_row + j to_point``; there lie
panels of ``panel_vectors`` vectors of channels, in a panel the tiles one behind
another. What lies beyond ``limit_h`` rows and ``limit_w`` columns counts as zero
and is not read.
"""

from runtime.cpu.winograd.scaled import scaled
from runtime.cpu.winograd.transforms import transformer
from runtime.vector.simd import least, prefetch, prefetch_write, vectors
from runtime.vector.vectype import ITEM_BYTES
from runtime.vector.words import unpack

SCALAR = "f32"
LANES = 16
OUTPUTS = 3
TILE = 4
SIDE = "bt"

V = vectors(SCALAR, LANES)
load, store, splat = V.load, V.store, V.splat
MATRIX = getattr(scaled(OUTPUTS, TILE), SIDE)
SIZE, POINTS = len(MATRIX[0]), len(MATRIX)
BYTES = LANES * ITEM_BYTES[SCALAR]
transform = transformer(MATRIX, SCALAR, LANES)


def kernel(args, first, last, thread):
    """Chunks ``first`` to ``last``: see the module."""
    (
        source, image, row, pixel, step, tiles_h, tiles_w, limit_h, limit_w, tiles, tiles_a_chunk,
        groups, group_bytes, vectors_a_group, panel_vectors,
        to, thread_stride, chunk_stride, tile_bytes, panel_bytes, to_row, to_point, to_next,
        patch, patch_stride, ahead,
    ) = unpack(args, 26)  # fmt: skip
    zero = splat(0.0)
    patch += thread * patch_stride
    for chunk in range(first, last):
        target = to + thread * thread_stride + chunk * chunk_stride
        tile = chunk * tiles_a_chunk
        line = tile // tiles_w
        w = tile - line * tiles_w
        n = line // tiles_h
        h = line - n * tiles_h
        for _ in range(tile, least(tiles, tile + tiles_a_chunk)):
            start = source + n * image + h * step * row + w * step * pixel
            rows = limit_h - h * step
            columns = limit_w - w * step
            panel = target
            for _ in range(groups):
                for v in range(vectors_a_group):
                    here = start + v * BYTES
                    at = panel + v % panel_vectors * BYTES
                    # the same place in the next row of tiles, which shares all but ``step`` rows with this one
                    for i in range(SIZE - step, SIZE):
                        for j in range(SIZE - step, SIZE):
                            prefetch(here + ahead + i * row + j * pixel)
                    if to_next:
                        for i in range(POINTS):
                            for j in range(POINTS):
                                prefetch_write(at + to_next + i * to_row + j * to_point)
                    if rows >= SIZE and columns >= SIZE:
                        transform(here, row, pixel, at, to_row, to_point)
                    else:
                        for i in range(SIZE):
                            for j in range(SIZE):
                                place = patch + (i * SIZE + j) * BYTES
                                if i < rows and j < columns:
                                    store(place, 0, load(here + i * row + j * pixel, 0))
                                else:
                                    store(place, 0, zero)
                        transform(patch, SIZE * BYTES, BYTES, at, to_row, to_point)
                    if (v + 1) % panel_vectors == 0 or v + 1 == vectors_a_group:
                        panel += panel_bytes
                start += group_bytes
            target += tile_bytes
            w += 1
            if w == tiles_w:
                w = 0
                h += 1
                if h == tiles_h:
                    h = 0
                    n += 1
