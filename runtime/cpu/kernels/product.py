"""Matrix product C = A B of a batch, tile by tile; columns of B and C are contiguous.

Chunk c does rows of range c % row_chunks, column blocks of range c // row_chunks
% block_chunks, of batch entry c // (row_chunks block_chunks), whose two indices
are its quotient and remainder by ``inner_batch``. The reduction goes in parts of
``part`` steps: one part of a column block of B serves all rows of the chunk from
the cache. With ``near_row`` > 0 the rows of A are contiguous and a part of them is
first copied to scratch at that stride, because rows that lie a power of two
apart share a set of the cache. Strides in bytes.
"""

from runtime.vector.simd import call, least, put_word, vectors
from runtime.vector.words import unpack

LANES = 16

WORDS = 32
V = vectors("f32", LANES)  # whatever lies there is copied in units of four bytes
load, load_tail, store = V.load, V.load_tail, V.store


def kernel(args, first, last, thread):
    """Chunks ``first`` to ``last``: see the module."""
    (
        wide, narrow, wide_columns, narrow_columns,
        a, a_row, a_step, a_batch0, a_batch1,
        b, b_step, b_block, b_batch0, b_batch1,
        c, c_row, item, c_batch0, c_batch1,
        rows, rows_a_chunk, row_chunks, columns, blocks, blocks_a_chunk, block_chunks,
        steps, part, inner_batch, near_row, scratch, scratch_stride,
    ) = unpack(args, 32)  # fmt: skip
    block = scratch + thread * scratch_stride
    a_table = block + 128
    c_table = a_table + 8 * rows_a_chunk
    stage = (c_table + 8 * rows_a_chunk + 63) & -64
    for k in range(16):
        put_word(block, k, 0)
    put_word(block, 1, a_table)
    put_word(block, 4, c_table)
    put_word(block, 7, 1)
    put_word(block, 8, 1)
    put_word(block, 12, a_step)
    put_word(block, 15, b_step)
    for i in range(rows_a_chunk):
        put_word(a_table, i, i * (near_row if near_row > 0 else a_row))
        put_word(c_table, i, i * c_row)
    for chunk in range(first, last):
        rest = chunk // row_chunks
        row0 = (chunk - rest * row_chunks) * rows_a_chunk
        count = least(rows - row0, rows_a_chunk)
        batch = rest // block_chunks
        block0 = (rest - batch * block_chunks) * blocks_a_chunk
        block1 = least(blocks, block0 + blocks_a_chunk)
        i0 = batch // inner_batch
        i1 = batch - i0 * inner_batch
        from_a = a + i0 * a_batch0 + i1 * a_batch1 + row0 * a_row
        from_b = b + i0 * b_batch0 + i1 * b_batch1
        to_c = c + i0 * c_batch0 + i1 * c_batch1 + row0 * c_row
        step = 0
        while step < steps:  # a range with a variable step would raise at 0
            put_word(block, 9, least(part, steps - step))
            source = from_a + step * a_step
            if near_row > 0:
                units = least(part, steps - step) * item // 4
                for i in range(count):
                    e = 0
                    while e + LANES <= units:
                        store(stage + i * near_row, e, load(source + i * a_row, e))
                        e += LANES
                    if e < units:
                        store(stage + i * near_row, e, load_tail(source + i * a_row, e, units - e))
                source = stage
            put_word(block, 0, source)
            put_word(block, 6, 0 if step == 0 else -1)
            for k in range(block0, block1):
                column = k * wide_columns
                to = to_c + column * item
                put_word(block, 3, to)
                put_word(block, 5, args + 8 * WORDS if step == 0 else to)
                put_word(block, 2, from_b + k * b_block + step * b_step)
                if columns - column <= narrow_columns:
                    call(narrow, block, 0, count, columns - column)
                else:
                    call(wide, block, 0, count, columns - column)
            step += part
