"""Convolution of tiles by their spectra: transforms of a block of tiles, a product a frequency, the inverse.

Chunk c does units (image, row of tiles) of range c, ``block_tiles`` tiles at a
time. V[p][tile][part][channel] holds the spectra of the input, M[p][tile] those
of one column block, real parts in its first vector and imaginary ones in its
second; the 130 frequencies p are those of runtime/cpu/fourier/tiles.py. Strides
and sizes in bytes. The epilogues run on the chunk's rows.
"""

from runtime.cpu.fourier.tiles import transforms
from runtime.fourier import NUMBERS, POINTS
from runtime.vector.simd import call, least, put_word, vectors, word
from runtime.vector.vectype import ITEM_BYTES
from runtime.vector.words import unpack

SCALAR = "f32"
LANES = 16

WORDS = 33
ITEM = ITEM_BYTES[SCALAR]
VECTOR = LANES * ITEM
V = vectors(SCALAR, LANES)
load, store_tail = V.load, V.store_tail
T = transforms(SCALAR, LANES)
forward, inverse, patch = T.forward, T.inverse, T.patch


def kernel(args, first, last, thread):
    """Chunks ``first`` to ``last``: see the module."""
    (
        tile_kernel, x, x_image, x_row, x_pixel, x_group,
        y, y_image, y_row, y_pixel, y_group,
        images, height, width, step_h, step_w, taps_h, taps_w,
        units_a_chunk, block_tiles, channels, padded,
        groups, columns, blocks, weights, weight_point,
        spectra, products, numbers_at, scratch, scratch_stride, epilogues,
    ) = unpack(args, 33)  # fmt: skip
    block = scratch + thread * scratch_stride
    a_table = block + 128
    c_table = a_table + 8 * block_tiles
    v = block + spectra
    m = block + products
    numbers = block + numbers_at
    tile = numbers + NUMBERS * VECTOR
    edge = tile + 256 * VECTOR
    part = padded * ITEM
    v_point = block_tiles * 2 * part
    m_point = block_tiles * 2 * VECTOR
    tiles_h = (height + step_h - 1) // step_h
    tiles_w = (width + step_w - 1) // step_w
    for k in range(16):
        put_word(block, k, 0)
    put_word(block, 1, a_table)
    put_word(block, 4, c_table)
    put_word(block, 5, args + 8 * (WORDS + 2 * epilogues))
    put_word(block, 7, 2)
    put_word(block, 8, 1)
    put_word(block, 9, channels)
    put_word(block, 10, part)
    put_word(block, 12, ITEM)
    put_word(block, 13, channels * 2 * VECTOR)
    put_word(block, 15, 2 * VECTOR)
    for i in range(block_tiles):
        put_word(a_table, i, i * 2 * part)
        put_word(c_table, i, i * 2 * VECTOR)
    for chunk in range(first, last):
        unit0 = chunk * units_a_chunk
        unit1 = least(images * tiles_h, unit0 + units_a_chunk)
        for g in range(groups):
            at = unit0 * tiles_w
            while at < unit1 * tiles_w:  # a range with a variable step would raise at 0
                count = least(block_tiles, unit1 * tiles_w - at)
                for t in range(count):
                    unit = (at + t) // tiles_w
                    n = unit // tiles_h
                    h = (unit - n * tiles_h) * step_h
                    w = (at + t - unit * tiles_w) * step_w
                    source = x + g * x_group + n * x_image + h * x_row + w * x_pixel
                    rows = least(16, height + taps_h - 1 - h)
                    cols = least(16, width + taps_w - 1 - w)
                    row = x_row
                    pixel = x_pixel
                    if rows < 16 or cols < 16:
                        patch(source, x_row, x_pixel, rows, cols, channels, edge, part)
                        source = edge
                        row = 16 * part
                        pixel = part
                    for c in range(0, channels, LANES):
                        forward(source + c * ITEM, row, pixel, v + t * 2 * part + c * ITEM, v_point, part, numbers)
                for k in range(blocks):
                    for p in range(POINTS):
                        put_word(block, 0, v + p * v_point)
                        put_word(block, 2, weights + ((g * blocks + k) * POINTS + p) * weight_point)
                        put_word(block, 3, m + p * m_point)
                        call(tile_kernel, block, 0, count, 2 * LANES)
                    some = least(LANES, columns - k * LANES)
                    for t in range(count):
                        unit = (at + t) // tiles_w
                        n = unit // tiles_h
                        h = (unit - n * tiles_h) * step_h
                        w = (at + t - unit * tiles_w) * step_w
                        cols = least(step_w, width - w)
                        inverse(m + t * 2 * VECTOR, m_point, numbers, cols, tile)
                        to = y + g * y_group + k * VECTOR + n * y_image + h * y_row + w * y_pixel
                        for i in range(least(step_h, height - h)):
                            for j in range(cols):
                                store_tail(to + i * y_row + j * y_pixel, 0, load(tile, (16 * j + i) * LANES), some)
                at += count
        n = unit0 // tiles_h
        m_last = (unit1 - 1) // tiles_h
        row0 = n * height + (unit0 - n * tiles_h) * step_h
        row1 = m_last * height + least(height, (unit1 - m_last * tiles_h) * step_h)
        for e in range(epilogues):
            call(word(args, WORDS + 2 * e), word(args, WORDS + 1 + 2 * e), row0, row1, thread)
