"""Matrix product C = A B with few rows or a short reduction; B and C are contiguous along the columns.

Chunk c does rows of range c % row_chunks of the columns of strip c // row_chunks.
The reduction goes in parts, each through all column blocks of the strip, and
while one part is used the next is asked for. With ``tail`` the sums of a chunk
stay in scratch, rows of a strip's width, and the tail runs on rows ``strip *
rows + row`` with the address of row 0 in its word ``patch``. Strides in bytes.
"""

from runtime.vector.simd import call, least, put_word, word
from runtime.vector.words import unpack

WORDS = 28


def kernel(args, first, last, thread):
    """Chunks ``first`` to ``last``: see the module."""
    (
        tile, width, a, a_row, a_step, b, b_step, c, c_row, item,
        rows, rows_a_chunk, row_chunks, columns, strip, steps, part, ahead,
        scratch, scratch_stride, own, tail, tail_args, tail_words, patch, own_args, own_sums, own_row,
    ) = unpack(args, 28)  # fmt: skip
    block = scratch + thread * scratch_stride
    a_table = block + own
    c_table = a_table + 8 * rows_a_chunk
    sums = block + own_sums
    patched = block + own_args
    for k in range(16):
        put_word(block, k, 0)
    put_word(block, 1, a_table)
    put_word(block, 4, c_table)
    put_word(block, 7, 1)
    put_word(block, 8, 1)
    put_word(block, 12, a_step)
    put_word(block, 15, b_step)
    for i in range(rows_a_chunk):
        put_word(a_table, i, i * a_row)
        put_word(c_table, i, i * (c_row if tail == 0 else own_row))
    for k in range(tail_words):
        put_word(patched, k, word(tail_args, k))
    for chunk in range(first, last):
        s = chunk // row_chunks
        row0 = (chunk - s * row_chunks) * rows_a_chunk
        count = least(rows - row0, rows_a_chunk)
        column0 = s * strip
        column1 = least(columns, column0 + strip)
        to = c + row0 * c_row + column0 * item if tail == 0 else sums
        step = 0
        while step < steps:  # a range with a variable step would raise at 0
            put_word(block, 9, least(part, steps - step))
            put_word(block, 0, a + row0 * a_row + step * a_step)
            put_word(block, 6, 0 if step == 0 else -1)
            put_word(block, 16, ahead if step + 2 * part <= steps else 0)
            column = column0
            while column < column1:
                at = to + (column - column0) * item
                put_word(block, 3, at)
                put_word(block, 5, args + 8 * WORDS if step == 0 else at)
                put_word(block, 2, b + column * item + step * b_step)
                call(tile, block, 0, count, column1 - column)
                column += width
            step += part
        if tail != 0:
            put_word(patched, patch, sums - row0 * own_row)
            call(tail, patched, s * rows + row0, s * rows + row0 + count, thread)
