"""Points to tiles of the output: y = A' m A for tiles ``first`` to ``last`` and one block of columns.

m[p][t][column] begins with the call's first tile. A thread's scratch holds the
address of the block's first column in y, its number of columns, and from its
128th byte on a tile of vectors for what hangs over the map's edge. Strides in bytes.
"""

from runtime.cpu.winograd.transforms import tail_transformer
from runtime.vector.simd import least, vectors, word
from runtime.vector.vectype import ITEM_BYTES
from runtime.vector.words import unpack
from runtime.winograd import matrices

SCALAR = "f32"
LANES = 16
TILE = 4
TAPS = 3

N = TILE + TAPS - 1
ITEM = ITEM_BYTES[SCALAR]
V = vectors(SCALAR, LANES)
load, store_tail = V.load, V.store_tail
transform = tail_transformer(matrices(TILE, TAPS).at, SCALAR, LANES)


def kernel(args, first, last, thread):
    """Tiles ``first`` to ``last``: see the module."""
    (
        m, m_stride, m_point, m_tile, y_image, y_row, y_pixel, tiles_h, tiles_w, height, width, scratch, scratch_stride,
    ) = unpack(args, 13)  # fmt: skip
    block = scratch + thread * scratch_stride
    patch = block + 128
    y = word(block, 0)
    columns = word(block, 1)
    row = first // tiles_w
    w = first - row * tiles_w
    n = row // tiles_h
    h = row - n * tiles_h
    source = m + thread * m_stride
    for _ in range(first, last):
        start = y + n * y_image + h * TILE * y_row + w * TILE * y_pixel
        rows = least(TILE, height - h * TILE)
        pixels = least(TILE, width - w * TILE)
        for column in range(0, columns, LANES):
            to = start + column * ITEM
            some = least(LANES, columns - column)
            inside = rows == TILE and pixels == TILE
            transform(
                source + column * ITEM, N * m_point, m_point,
                to if inside else patch,
                y_row if inside else TILE * LANES * ITEM,
                y_pixel if inside else LANES * ITEM,
                some if inside else LANES,
            )  # fmt: skip
            if not inside:
                for i in range(rows):
                    for j in range(pixels):
                        value = load(patch + (i * TILE + j) * LANES * ITEM, 0)
                        store_tail(to + i * y_row + j * y_pixel, 0, value, some)
        source += m_tile
        w += 1
        if w == tiles_w:
            w = 0
            h += 1
            if h == tiles_h:
                h = 0
                n += 1
