"""Columns gathered into blocks: packed[block][i][j][k][lane]; beyond the last column lies anything.

Element (i, j, k) of column m lies at source + i s_i + j s_j + k s_k + m s_column
(bytes); chunks are blocks; block b holds the columns from (b % group_blocks) *
row_columns on of group b // group_blocks. Where a column is one contiguous run
of (k, i, j) (``runs``), squares of it are transposed in registers.
"""

from runtime.vector.simd import least, most, vectors
from runtime.vector.vectype import ITEM_BYTES
from runtime.vector.words import transposer, unpack

SCALAR = "f32"
LANES = 16

ITEM = ITEM_BYTES[SCALAR]
V = vectors(SCALAR, LANES)
gather, load, load_tail, store = V.gather, V.load, V.load_tail, V.store
transpose = transposer(SCALAR, LANES)


def kernel(args, first, last, thread):
    """Chunks ``first`` to ``last``: see the module."""
    (
        source, to, group_stride, columns, group_blocks, row_columns,
        n_i, n_j, n_k, s_i, s_j, s_k, s_column, runs, scratch, scratch_stride,
    ) = unpack(args, 16)  # fmt: skip
    row = row_columns * ITEM
    square = scratch + thread * scratch_stride
    taps = n_i * n_j
    for block in range(first, last):
        g = block // group_blocks
        column = (block - g * group_blocks) * row_columns
        start = source + g * group_stride + column * s_column
        block_to = to + block * taps * n_k * row
        real = least(row_columns, columns - column)
        if runs == 1:
            k = 0
            tap = 0
            for e in range(0, taps * n_k, LANES):
                some = least(LANES, taps * n_k - e)
                for m in range(0, real, LANES):
                    transpose(start + m * s_column + e * ITEM, s_column, real - m, square + m * LANES * ITEM)
                for t in range(some):
                    at = block_to + (tap * n_k + k) * row
                    for m in range(0, row_columns, LANES):
                        store(at, m, load(square, (m + t) * LANES))
                    tap += 1
                    if tap == taps:
                        tap = 0
                        k += 1
        else:
            for k in range(n_k):  # outside, for i and j (taps) are neighbours in a canonical weight
                for i in range(n_i):
                    for j in range(n_j):
                        q = start + i * s_i + j * s_j + k * s_k
                        at = block_to + ((i * n_j + j) * n_k + k) * row
                        for m in range(0, row_columns, LANES):
                            if s_column == ITEM:
                                store(at, m, load_tail(q, m, most(0, real - m)))
                            else:
                                store(at, m, gather(q + m * s_column, s_column, most(0, real - m)))
