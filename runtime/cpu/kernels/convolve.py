"""Convolution of rows of output pixels against packed weights, tile by tile.

Chunk c does rows (n, h) of range c % row_chunks for the column blocks of range
c // row_chunks: all of its pixels go through one block's weights (which stay in
the second-level cache) before the next. Strides and sizes in bytes. The
epilogues (pairs of function and arguments, ``epilogues`` of them behind the
words, then a tile's width of zeros) run on the chunk's rows. With ``near_row`` >
0 (one tap, one group) the chunk's pixels are first copied to scratch, that far
apart: pixels a multiple of 4096 bytes apart share a set of the cache. During a
block ``lines`` lines of each of the next chunk's rows are asked for, which lie
at ``next_x``.
"""

from runtime.vector.simd import call, least, loader, prefetch_far, put_word, storer, word
from runtime.vector.words import unpack

WORDS = 43
BYTES = 64

load, store = loader("u8", "u8", BYTES), storer("u8", BYTES)


def kernel(args, first, last, thread):
    """Chunks ``first`` to ``last``: see the module."""
    (
        wide, narrow, wide_columns, narrow_columns,
        x, x_image, x_row, x_pixel, x_group,
        y, y_image, y_row, y_pixel, y_group, y_column,
        height, width, rows, rows_a_chunk, row_chunks, blocks_a_chunk,
        groups, group_columns, group_blocks, weights, weight_block,
        outer, outer_part, middle, inner,
        a_outer, a_middle, a_inner, b_outer, b_middle, b_inner,
        scratch, scratch_stride, near_row, own_x, next_x, lines, epilogues,
    ) = unpack(args, 43)  # fmt: skip
    block = scratch + thread * scratch_stride
    a_table = block + 128
    zeros = args + 8 * (WORDS + 2 * epilogues)
    put_word(block, 1, a_table)
    put_word(block, 8, middle)
    put_word(block, 9, inner)
    put_word(block, 10, a_outer)
    put_word(block, 11, a_middle)
    put_word(block, 12, a_inner)
    put_word(block, 13, b_outer)
    put_word(block, 14, b_middle)
    put_word(block, 15, b_inner)
    for chunk in range(first, last):
        row0 = (chunk % row_chunks) * rows_a_chunk
        row1 = least(rows, row0 + rows_a_chunk)
        pixels = (row1 - row0) * width
        c_table = a_table + 8 * rows_a_chunk * width
        put_word(block, 4, c_table)
        at = 0
        for row in range(row0, row1):
            n = row // height
            h = row - n * height
            at_x = n * x_image + h * x_row
            to_y = n * y_image + h * y_row
            for _ in range(width):
                put_word(a_table, at, at_x)
                put_word(c_table, at, to_y)
                at_x += x_pixel
                to_y += y_pixel
                at += 1
        from_x = x
        if near_row > 0:
            from_x = block + own_x
            for i in range(pixels):
                source = x + word(a_table, i)
                for e in range(0, inner * a_inner, BYTES):
                    store(from_x + i * near_row, e, load(source, e))
                put_word(a_table, i, i * near_row)
        block0 = (chunk // row_chunks) * blocks_a_chunk
        for k in range(block0, least(groups * group_blocks, block0 + blocks_a_chunk)):
            g = k // group_blocks
            column = (k - g * group_blocks) * wide_columns
            columns = group_columns - column
            to = y + g * y_group + column * y_column
            put_word(block, 3, to)
            if lines > 0:
                for row in range(row1, least(rows, row1 + rows_a_chunk)):
                    n = row // height
                    ahead = next_x + n * x_image + (row - n * height) * x_row + (k - block0) * lines * 64
                    for line in range(lines):
                        prefetch_far(ahead + 64 * line)
            part = 0
            while part < outer:  # a range with a variable step would raise at 0
                put_word(block, 0, from_x + g * x_group + part * a_outer)
                put_word(block, 2, weights + k * weight_block + part * b_outer)
                put_word(block, 5, zeros if part == 0 else to)
                put_word(block, 6, 0 if part == 0 else -1)
                put_word(block, 7, least(outer_part, outer - part))
                if columns <= narrow_columns:
                    call(narrow, block, 0, pixels, columns)
                else:
                    call(wide, block, 0, pixels, columns)
                part += outer_part
        for e in range(epilogues):
            call(word(args, WORDS + 2 * e), word(args, WORDS + 1 + 2 * e), row0, row1, thread)
