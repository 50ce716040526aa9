"""Partial weight gradients: rows (r, s, c) of x, columns k of dy, summed over a range of pixel blocks.

A pixel block is some whole images, or some rows of one. Chunk c sums part c %
parts, for column range c // parts % column_chunks and row range and group above
that. Strides in bytes; a partial is [group][(r, s, c)][k], k padded to whole
tiles (what lies in the padding is not defined).
"""

from runtime.vector.simd import call, least, put_word
from runtime.vector.words import unpack

WORDS = 40


def kernel(args, first, last, thread):
    """Chunks ``first`` to ``last``: see the module."""
    (
        wide, narrow, wide_columns, narrow_columns,
        x, x_image, x_row, x_pixel, x_group, tap_row, tap_pixel, taps_s, channels,
        y, y_image, y_row, y_pixel, y_group, item,
        images, height, width, block_images, block_rows, image_blocks, blocks, parts,
        rows, rows_a_chunk, row_chunks, columns, column_blocks, blocks_a_chunk, column_chunks,
        to, part_bytes, group_bytes, row_bytes, scratch, scratch_stride,
    ) = unpack(args, 40)  # fmt: skip
    block = scratch + thread * scratch_stride
    a_table = block + 128
    c_table = a_table + 8 * rows_a_chunk
    put_word(block, 1, a_table)
    put_word(block, 4, c_table)
    put_word(block, 9, width)
    put_word(block, 10, x_image)
    put_word(block, 11, x_row)
    put_word(block, 12, x_pixel)
    put_word(block, 13, y_image)
    put_word(block, 14, y_row)
    put_word(block, 15, y_pixel)
    for chunk in range(first, last):
        rest = chunk // parts
        part = chunk - rest * parts
        above = rest // column_chunks
        k0 = (rest - above * column_chunks) * blocks_a_chunk
        k1 = least(column_blocks, k0 + blocks_a_chunk)
        group = above // row_chunks
        row0 = (above - group * row_chunks) * rows_a_chunk
        count = least(rows - row0, rows_a_chunk)
        for i in range(count):
            tap = (row0 + i) // channels
            r = tap // taps_s
            c = row0 + i - tap * channels
            put_word(a_table, i, r * tap_row + (tap - r * taps_s) * tap_pixel + c * item)
            put_word(c_table, i, (row0 + i) * row_bytes)
        from_x = x + group * x_group
        from_y = y + group * y_group
        partial = to + part * part_bytes + group * group_bytes
        start = part * blocks // parts
        for b in range(start, (part + 1) * blocks // parts):
            n = b // image_blocks * block_images
            h = (b - b // image_blocks * image_blocks) * block_rows
            put_word(block, 0, from_x + n * x_image + h * x_row)
            put_word(block, 6, 0 if b == start else -1)
            put_word(block, 7, least(block_images, images - n))
            put_word(block, 8, least(block_rows, height - h))
            at_y = from_y + n * y_image + h * y_row
            for k in range(k0, k1):
                put_word(block, 2, at_y + k * wide_columns * item)
                put_word(block, 3, partial + k * wide_columns * item)
                put_word(block, 5, args + 8 * WORDS if b == start else partial + k * wide_columns * item)
                if columns - k * wide_columns <= narrow_columns:
                    call(narrow, block, 0, count, wide_columns)
                else:
                    call(wide, block, 0, count, wide_columns)
