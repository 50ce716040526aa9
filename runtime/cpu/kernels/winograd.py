"""Winograd convolution: tiles to points, one product a point, points to tiles, chunk by chunk.

Chunk c does rows of tiles from c * rows_a_chunk on (of all images, the last
row of tiles of an image ends with the image), hence whole output rows, on
which the epilogues run (pairs of function and arguments behind the words).
The parts are kernels of their own, called by address; a thread's scratch holds
their blocks of words.
"""

from runtime.vector.simd import call, least, put_word, word
from runtime.vector.words import unpack

WORDS = 38


def kernel(args, first, last, thread):
    """Chunks ``first`` to ``last``: see the module."""
    (
        to_points, to_points_args, wide, narrow, from_points, from_points_args,
        v, v_stride, v_row, v_point, v_group, u, u_block, u_step, u_point, m, m_stride, m_row, m_point,
        points, channels, y, y_group, y_column, groups, group_columns, group_blocks, block_columns, narrow_columns,
        rows, rows_a_chunk, tiles_w, tiles_h, tile, height, scratch, scratch_stride, epilogues,
    ) = unpack(args, 38)  # fmt: skip
    block = scratch + thread * scratch_stride
    product = block + 16
    put_word(product, 1, v_row)
    put_word(product, 2, v_point)
    put_word(product, 4, u_step)
    put_word(product, 5, u_point)
    put_word(product, 6, m + thread * m_stride)
    put_word(product, 7, m_row)
    put_word(product, 8, m_point)
    put_word(product, 9, points)
    put_word(product, 10, channels)
    for chunk in range(first, last):
        row0 = chunk * rows_a_chunk
        row1 = least(rows, row0 + rows_a_chunk)
        tile0 = row0 * tiles_w
        tile1 = row1 * tiles_w
        call(to_points, to_points_args, chunk, chunk + 1, thread)
        for k in range(groups * group_blocks):
            g = k // group_blocks
            column = (k - g * group_blocks) * block_columns
            columns = group_columns - column
            put_word(product, 0, v + thread * v_stride + g * v_group)
            put_word(product, 3, u + k * u_block)
            put_word(block, 0, y + g * y_group + column * y_column)
            put_word(block, 1, least(columns, block_columns))
            call(narrow if columns <= narrow_columns else wide, product, 0, tile1 - tile0, thread)
            call(from_points, from_points_args, tile0, tile1, thread)
        n0 = row0 // tiles_h
        n1 = row1 // tiles_h
        low = n0 * height + least(height, (row0 - n0 * tiles_h) * tile)
        high = n1 * height + least(height, (row1 - n1 * tiles_h) * tile)
        for e in range(epilogues):
            call(word(args, WORDS + 2 * e), word(args, WORDS + 1 + 2 * e), low, high, thread)
