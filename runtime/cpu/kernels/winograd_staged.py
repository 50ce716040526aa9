"""Products of points that lie ready, and back to tiles, one block of columns a chunk.

Chunk c does block c for all tiles, set by set.
For maps of few tiles and many channels: the points of all tiles fit a cache
that the weights do not, hence each block of weights is met once, and made into
points on the spot (``weights`` is the address of that kernel, 0 where they lie
ready in u). The parts are kernels of their own, called by address; a thread's
scratch holds their blocks of words.
"""

from runtime.vector.simd import call, least, put_word
from runtime.vector.words import unpack


def kernel(args, first, last, thread):
    """Chunks ``first`` to ``last``: see the module."""
    (
        weights, weights_args, wide, narrow, from_points, from_points_args,
        v, v_row, v_point, v_group, u, u_stride, u_block, u_step, u_point, m, m_stride, m_row, m_point,
        points, channels, y, y_group, y_column, group_columns, group_blocks, block_columns, narrow_columns,
        tiles, tiles_a_set, scratch, scratch_stride,
    ) = unpack(args, 32)  # fmt: skip
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
    for k in range(first, last):
        if weights != 0:
            call(weights, weights_args, k, k + 1, thread)
        g = k // group_blocks
        column = (k - g * group_blocks) * block_columns
        columns = group_columns - column
        put_word(product, 3, u + thread * u_stride + k * u_block)
        put_word(block, 0, y + g * y_group + column * y_column)
        put_word(block, 1, least(columns, block_columns))
        tile = 0
        while tile < tiles:
            some = least(tiles_a_set, tiles - tile)
            put_word(product, 0, v + tile * v_row + g * v_group)
            call(narrow if columns <= narrow_columns else wide, product, 0, some, thread)
            call(from_points, from_points_args, tile, tile + some, thread)
            tile += tiles_a_set
