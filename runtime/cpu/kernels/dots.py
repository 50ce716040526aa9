"""Product of rows with rows, y = x w^T, both contiguous along the reduction; see runtime/cpu/dots.py.

Chunk c does rows of x of range c % row_chunks and rows of w of range c //
row_chunks. The reduction goes in parts of ``part`` elements: one part of a tile
of w serves all rows of x from the first-level cache, and the partial sums wait
in scratch. With ``tailed`` a tail runs on the finished rows of a range: ``tail``
on rows range * rows + row, ``last_tail`` on rows of a last range that is shorter
than the others. Strides in bytes.
"""

from runtime.cpu.dots import make_dots
from runtime.vector.simd import call, least, put_word
from runtime.vector.vectype import ITEM_BYTES
from runtime.vector.words import unpack

SCALAR = "f32"
LANES = 16
ROWS = 4
COLUMNS = 6

ITEM = ITEM_BYTES[SCALAR]
SUMS = ROWS * COLUMNS * LANES * ITEM
dots, dots_of_one = make_dots(SCALAR, LANES, ROWS, COLUMNS), make_dots(SCALAR, LANES, 1, COLUMNS)


def kernel(args, first, last, thread):
    """Chunks ``first`` to ``last``: see the module."""
    (
        x, x_row, w, w_row, y, y_row,
        rows, rows_a_chunk, row_chunks, columns, columns_a_chunk, steps, part, ahead, scratch, scratch_stride,
        tailed, tail, tail_args, last_tail, last_args,
    ) = unpack(args, 21)  # fmt: skip
    block = scratch + thread * scratch_stride
    put_word(block, 1, x_row)
    put_word(block, 4, w_row)
    put_word(block, 12, y_row)
    for chunk in range(first, last):
        range_of = chunk // row_chunks
        row0 = (chunk - range_of * row_chunks) * rows_a_chunk
        row1 = least(rows, row0 + rows_a_chunk)
        column = range_of * columns_a_chunk
        column1 = least(columns, column + columns_a_chunk)
        while column < column1:
            put_word(block, 5, least(COLUMNS, column1 - column))
            # behind the last row nothing may be mapped: looking for it in vain takes longer than a miss
            put_word(block, 13, ahead if column + 2 * COLUMNS <= columns else 0)
            step = 0
            while step < steps:  # a range with a variable step would raise at 0
                count = least(part, steps - step)
                put_word(block, 3, w + column * w_row + step * ITEM)
                put_word(block, 6, count // LANES)
                put_word(block, 7, count - count // LANES * LANES)
                put_word(block, 9, 1 if step == 0 else 0)
                put_word(block, 10, 1 if step + part >= steps else 0)
                row = row0
                while row < row1:
                    put_word(block, 0, x + row * x_row + step * ITEM)
                    put_word(block, 2, least(ROWS, row1 - row))
                    put_word(block, 8, block + 128 + (row - row0) // ROWS * SUMS)
                    put_word(block, 11, y + row * y_row + column * ITEM)
                    if row1 - row == 1:
                        dots_of_one(block)
                    else:
                        dots(block)
                    row += ROWS
                step += part
            column += COLUMNS
        if tailed != 0:
            if (range_of + 1) * columns_a_chunk <= columns:
                call(tail, tail_args, range_of * rows + row0, range_of * rows + row1, thread)
            else:
                call(last_tail, last_args, row0, row1, thread)
