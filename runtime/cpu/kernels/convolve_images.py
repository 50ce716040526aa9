"""Convolution of small padded maps: a tile spans images, and takes only the taps that meet the map.

Chunk c does output row c % height of image range c // height. A group of
``span`` neighbouring pixels of all its images shares one range of taps, so that
the zeros of the halo are not multiplied. Strides in bytes; (start, step, tap,
limit) of an axis are the input index of the first tap of output 0, its step
from output to output and from tap to tap, and the input's size. Epilogues and
zeros behind the words as in ``convolve``.
"""

from runtime.vector.simd import call, least, most, put_word, quotient, word
from runtime.vector.words import unpack

WORDS = 46


def kernel(args, first, last, thread):
    """Chunks ``first`` to ``last``: see the module."""
    (
        wide, narrow, wide_columns, narrow_columns,
        x, x_image, x_row, x_pixel, x_group, tap_row, tap_pixel,
        y, y_image, y_row, y_pixel, y_group, y_column,
        height, width, images, images_a_chunk, span,
        groups, group_columns, group_blocks, weights, weight_block,
        taps_r, taps_s, channels, item, b_outer, b_middle, b_inner, dense,
        start_h, step_h, tap_h, limit_h, start_w, step_w, tap_w, limit_w,
        scratch, scratch_stride, epilogues,
    ) = unpack(args, 46)  # fmt: skip
    block = scratch + thread * scratch_stride
    a_table = block + 128
    c_table = a_table + 8 * images_a_chunk * span
    put_word(block, 1, a_table)
    put_word(block, 4, c_table)
    put_word(block, 5, args + 8 * (WORDS + 2 * epilogues))
    put_word(block, 6, 0)
    put_word(block, 10, tap_row)
    put_word(block, 11, tap_pixel)
    put_word(block, 12, item)
    put_word(block, 13, b_outer)
    put_word(block, 14, b_middle)
    put_word(block, 15, b_inner)
    at = 0
    for n in range(images_a_chunk):
        for w in range(span):
            put_word(a_table, at, n * x_image + w * x_pixel)
            put_word(c_table, at, n * y_image + w * y_pixel)
            at += 1
    for chunk in range(first, last):
        n0 = chunk // height
        h = chunk - n0 * height
        n0 *= images_a_chunk
        count = least(images_a_chunk, images - n0)
        top = start_h + h * step_h
        r0 = least(taps_r - 1, quotient(most(0, -top) + tap_h - 1, tap_h))
        r1 = least(taps_r, quotient(limit_h - 1 - top + tap_h, tap_h))
        r1 = most(r0 + 1, r1)  # a row that no tap reaches takes one of the halo's zeros
        put_word(block, 7, r1 - r0)
        for k in range(groups * group_blocks):
            g = k // group_blocks
            column = (k - g * group_blocks) * wide_columns
            columns = group_columns - column
            from_x = x + n0 * x_image + h * x_row + g * x_group + r0 * tap_row
            to = y + n0 * y_image + h * y_row + g * y_group + column * y_column
            w = 0
            while w < width:
                left = start_w + w * step_w
                right = left + (span - 1) * step_w
                s0 = least(taps_s - 1, quotient(most(0, -right) + tap_w - 1, tap_w))
                s1 = least(taps_s, quotient(limit_w - 1 - left + tap_w, tap_w))
                s1 = most(s0 + 1, s1)
                put_word(block, 0, from_x + w * x_pixel + s0 * tap_pixel)
                put_word(block, 2, weights + k * weight_block + r0 * b_outer + s0 * b_middle)
                put_word(block, 3, to + w * y_pixel)
                put_word(block, 8, 1 if dense == 1 else s1 - s0)
                put_word(block, 9, (s1 - s0) * channels if dense == 1 else channels)
                if columns <= narrow_columns:
                    call(narrow, block, 0, count * span, columns)
                else:
                    call(wide, block, 0, count * span, columns)
                w += span
        for e in range(epilogues):
            for n in range(n0, n0 + count):
                row = n * height + h
                call(word(args, WORDS + 2 * e), word(args, WORDS + 1 + 2 * e), row, row + 1, thread)
