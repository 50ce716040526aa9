"""Convolution by im2col: the windows of a block of pixels copied to scratch, row by row, times packed weights.

Chunk c does rows (n, h) of range c, for every group and column block. A block
of pixels holds as many windows as fit ``block_pixels``; the reduction goes in
parts of ``part`` steps. Strides and sizes in bytes. The epilogues (pairs of
function and arguments behind the words, then a tile's width of zeros) run on
the chunk's rows.
"""

from runtime.vector.simd import call, least, put_word, vectors, word
from runtime.vector.vectype import ITEM_BYTES
from runtime.vector.words import unpack

SCALAR = "f32"
LANES = 16

WORDS = 37
ITEM = ITEM_BYTES[SCALAR]
V = vectors(SCALAR, LANES)
load, store = V.load, V.store


def kernel(args, first, last, thread):
    """Chunks ``first`` to ``last``: see the module."""
    (
        wide, narrow, wide_columns, narrow_columns,
        x, x_image, x_row, x_pixel, x_group, tap_row, tap_pixel,
        y, y_image, y_row, y_pixel, y_group,
        height, width, rows, rows_a_chunk, block_pixels,
        groups, group_columns, group_blocks, weights, weight_block, weight_row,
        taps_r, runs, run, steps, part, window, stage_bytes, scratch, scratch_stride,
        epilogues,
    ) = unpack(args, 37)  # fmt: skip
    block = scratch + thread * scratch_stride
    a_table = block + 128
    c_table = a_table + 8 * block_pixels
    stage = block + stage_bytes
    zeros = args + 8 * (WORDS + 2 * epilogues)
    for k in range(16):
        put_word(block, k, 0)
    put_word(block, 1, a_table)
    put_word(block, 4, c_table)
    put_word(block, 7, 1)
    put_word(block, 8, 1)
    put_word(block, 12, ITEM)
    put_word(block, 15, weight_row)
    for i in range(block_pixels):
        put_word(a_table, i, i * window)
    for chunk in range(first, last):
        row0 = chunk * rows_a_chunk
        row1 = least(rows, row0 + rows_a_chunk)
        for g in range(groups):
            pixel = row0 * width
            while pixel < row1 * width:  # a range with a variable step would raise at 0
                count = least(block_pixels, row1 * width - pixel)
                for i in range(count):
                    row = (pixel + i) // width
                    w = pixel + i - row * width
                    n = row // height
                    h = row - n * height
                    source = x + g * x_group + n * x_image + h * x_row + w * x_pixel
                    put_word(c_table, i, n * y_image + h * y_row + w * y_pixel)
                    to = stage + i * window
                    for r in range(taps_r):
                        for s in range(runs):
                            q = source + r * tap_row + s * tap_pixel
                            for e in range(0, run, LANES):  # the overlap is written again by what follows
                                store(to, e, load(q, e))
                            to += run * ITEM
                for k in range(group_blocks):
                    column = k * wide_columns
                    columns = group_columns - column
                    at = y + g * y_group + column * ITEM
                    put_word(block, 3, at)
                    step = 0
                    while step < steps:
                        put_word(block, 0, stage + step * ITEM)
                        put_word(block, 2, weights + (g * group_blocks + k) * weight_block + step * weight_row)
                        put_word(block, 5, zeros if step == 0 else at)
                        put_word(block, 6, 0 if step == 0 else -1)
                        put_word(block, 9, least(part, steps - step))
                        if columns <= narrow_columns:
                            call(narrow, block, 0, count, columns)
                        else:
                            call(wide, block, 0, count, columns)
                        step += part
                pixel += count
        for e in range(epilogues):
            call(word(args, WORDS + 2 * e), word(args, WORDS + 1 + 2 * e), row0, row1, thread)
