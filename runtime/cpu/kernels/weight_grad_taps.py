"""Partial weight gradients of small padded maps: each tap sums over the output positions at which it meets the map.

As ``weight_grad``, but the rows of a tile are the channels of one tap, pixel
blocks are whole images and a row range is some taps. (pad, step, tap,
limit) of an axis: padding, stride, dilation and size of the input.
"""

from runtime.vector.simd import call, least, most, put_word, quotient
from runtime.vector.words import unpack

WORDS = 46


def kernel(args, first, last, thread):
    """Chunks ``first`` to ``last``: see the module."""
    (
        wide, narrow, wide_columns, narrow_columns,
        x, x_image, x_row, x_pixel, x_group, tap_row, tap_pixel, taps, taps_s, channels,
        y, y_image, y_row, y_pixel, y_group, item,
        images, height, width, block_images, blocks, parts,
        taps_a_chunk, row_chunks, columns, column_blocks, blocks_a_chunk, column_chunks,
        to, part_bytes, group_bytes, row_bytes, scratch, scratch_stride,
        pad_h, step_h, tap_h, limit_h, pad_w, step_w, tap_w, limit_w,
    ) = unpack(args, 46)  # fmt: skip
    block = scratch + thread * scratch_stride
    a_table = block + 128
    c_table = a_table + 8 * channels
    put_word(block, 1, a_table)
    put_word(block, 4, c_table)
    put_word(block, 10, x_image)
    put_word(block, 11, x_row)
    put_word(block, 12, x_pixel)
    put_word(block, 13, y_image)
    put_word(block, 14, y_row)
    put_word(block, 15, y_pixel)
    for c in range(channels):
        put_word(a_table, c, c * item)
        put_word(c_table, c, c * row_bytes)
    for chunk in range(first, last):
        rest = chunk // parts
        part = chunk - rest * parts
        above = rest // column_chunks
        k0 = (rest - above * column_chunks) * blocks_a_chunk
        k1 = least(column_blocks, k0 + blocks_a_chunk)
        group = above // row_chunks
        tap0 = (above - group * row_chunks) * taps_a_chunk
        tap1 = least(taps, tap0 + taps_a_chunk)
        from_x = x + group * x_group
        from_y = y + group * y_group
        partial = to + part * part_bytes + group * group_bytes
        start = part * blocks // parts
        for b in range(start, (part + 1) * blocks // parts):
            n = b * block_images
            put_word(block, 6, 0 if b == start else -1)
            put_word(block, 7, least(block_images, images - n))
            for k in range(k0, k1):
                at_y = from_y + n * y_image + k * wide_columns * item
                for tap in range(tap0, tap1):
                    r = tap // taps_s
                    s = tap - r * taps_s
                    top = r * tap_h - pad_h
                    left = s * tap_w - pad_w
                    # a tap that never meets the map takes one position: a zero of the halo
                    h0 = least(height - 1, quotient(most(0, -top) + step_h - 1, step_h))
                    h1 = most(h0 + 1, least(height, quotient(limit_h - 1 - top + step_h, step_h)))
                    w0 = least(width - 1, quotient(most(0, -left) + step_w - 1, step_w))
                    w1 = most(w0 + 1, least(width, quotient(limit_w - 1 - left + step_w, step_w)))
                    put_word(block, 8, h1 - h0)
                    put_word(block, 9, w1 - w0)
                    from_tap = from_x + n * x_image + r * tap_row + s * tap_pixel
                    put_word(block, 0, from_tap + h0 * x_row + w0 * x_pixel)
                    put_word(block, 2, at_y + h0 * y_row + w0 * y_pixel)
                    at = partial + tap * channels * row_bytes + k * wide_columns * item
                    put_word(block, 3, at)
                    put_word(block, 5, args + 8 * WORDS if b == start else at)
                    if columns - k * wide_columns <= narrow_columns:
                        call(narrow, block, 0, channels, wide_columns)
                    else:
                        call(wide, block, 0, channels, wide_columns)
