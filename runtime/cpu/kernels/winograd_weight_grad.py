"""Weight gradients by Winograd: sums over tiles, a point each, then transformed back.

Rows are channels c of x, columns channels k of dy. Chunk c % parts sums that
part of the blocks of tiles, for column range c // parts % column_chunks, row
range and range of groups above that. With ``transform_x`` the tiles of a block
are transformed here, into the thread's scratch, else they all lie at ``v`` and
``m``. Each part is written apart, as K x C x R x S.
"""

from runtime.vector.simd import call, least, prefetch_far, put_word
from runtime.vector.words import unpack


def kernel(args, first, last, thread):
    """Chunks ``first`` to ``last``: see the module."""
    (
        wide, narrow, wide_columns, narrow_columns, back, points,
        transform_x, words_x, transform_y, words_y, next_x, share_x, next_y, share_y,
        v, v_stride, v_block, v_point, v_panel, v_group, v_tile, v_columns,
        m, m_stride, m_block, m_point, m_panel, m_group, m_tile,
        tiles, tiles_a_block, blocks, parts, groups, groups_a_chunk,
        rows, rows_a_chunk, row_chunks, columns, column_blocks, blocks_a_chunk, column_chunks,
        sums, sums_point, sums_block, sums_group, to, part_bytes, group_bytes, column_bytes, row_bytes,
        patch, words, scratch_stride,
    ) = unpack(args, 54)  # fmt: skip
    words += thread * scratch_stride
    sums += thread * scratch_stride
    patch += thread * scratch_stride
    v += thread * v_stride
    m += thread * m_stride
    put_word(words, 1, v_tile)
    put_word(words, 2, v_panel)
    put_word(words, 3, v_point)
    put_word(words, 4, v_columns)
    put_word(words, 6, m_tile)
    put_word(words, 7, m_point)
    put_word(words, 9, sums_point)
    block = words + 128
    put_word(block, 1, sums_point)
    put_word(block, 6, column_bytes)
    put_word(block, 7, patch)
    for chunk in range(first, last):
        rest = chunk // parts
        part = chunk - rest * parts
        above = rest // column_chunks
        k0 = (rest - above * column_chunks) * blocks_a_chunk
        k1 = least(column_blocks, k0 + blocks_a_chunk)
        g0 = above // row_chunks
        row0 = (above - g0 * row_chunks) * rows_a_chunk
        g0 *= groups_a_chunk
        g1 = least(groups, g0 + groups_a_chunk)
        count = least(rows - row0, rows_a_chunk)
        put_word(words, 10, count)
        start = part * blocks // parts
        for b in range(start, (part + 1) * blocks // parts):
            if transform_x:
                call(transform_x, words_x, b, b + 1, thread)
                call(transform_y, words_y, b, b + 1, thread)
            put_word(words, 11, least(tiles_a_block, tiles - b * tiles_a_block))
            put_word(words, 12, 1 if b == start else 0)
            from_x = v + b * v_block + row0 // v_columns * v_panel
            from_y = m + b * m_block
            for p in range(points):
                # what the next block's transforms will read comes from memory meanwhile
                ahead = next_x + (b * points + p) * share_x
                for line in range(0, share_x, 64):
                    prefetch_far(ahead + line)
                ahead = next_y + (b * points + p) * share_y
                for line in range(0, share_y, 64):
                    prefetch_far(ahead + line)
                for g in range(g0, g1):
                    put_word(words, 0, from_x + g * v_group)
                    at_y = from_y + g * m_group
                    at = sums + (g - g0) * sums_group
                    for k in range(k0, k1):
                        put_word(words, 5, at_y + k * m_panel)
                        put_word(words, 8, at + (k - k0) * sums_block)
                        if columns - k * wide_columns <= narrow_columns:
                            call(narrow, words, p, p + 1, thread)
                        else:
                            call(wide, words, p, p + 1, thread)
        put_word(block, 3, count)
        for g in range(g0, g1):
            for k in range(k0, k1):
                left = columns - k * wide_columns
                put_word(block, 0, sums + (g - g0) * sums_group + (k - k0) * sums_block)
                put_word(block, 2, narrow_columns if left <= narrow_columns else wide_columns)
                put_word(block, 4, least(left, wide_columns))
                target = to + part * part_bytes + g * group_bytes + row0 * row_bytes
                put_word(block, 5, target + k * wide_columns * column_bytes)
                call(back, block, 0, 1, thread)
