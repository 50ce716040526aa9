"""Columns gathered into blocks: packed[block][i][j][k][lane], zeros beyond the last column.

Element (i, j, k) of column m lies at source + i s_i + j s_j + k s_k + m s_column
(bytes); chunks are blocks; block b holds the columns from (b % group_blocks) *
row_columns on of group b // group_blocks.
"""

from runtime.cpu.simd import most, vectors
from runtime.cpu.words import unpack

SCALAR = "f32"
LANES = 16

ITEM = 4 if SCALAR == "f32" else 8
V = vectors(SCALAR, LANES)
gather, load_tail, store = V.gather, V.load_tail, V.store


def kernel(args, first, last, thread):
    """Chunks ``first`` to ``last``: see the module."""
    (
        source, to, group_stride, columns, group_blocks, row_columns,
        n_i, n_j, n_k, s_i, s_j, s_k, s_column,
    ) = unpack(args, 13)  # fmt: skip
    row = row_columns * ITEM
    for block in range(first, last):
        g = block // group_blocks
        column = (block - g * group_blocks) * row_columns
        start = source + g * group_stride + column * s_column
        block_to = to + block * n_i * n_j * n_k * row
        for k in range(n_k):  # outside, for i and j (taps) are neighbours in a canonical weight
            for i in range(n_i):
                for j in range(n_j):
                    q = start + i * s_i + j * s_j + k * s_k
                    at = block_to + ((i * n_j + j) * n_k + k) * row
                    for m in range(0, row_columns, LANES):
                        real = most(0, columns - column - m)
                        if s_column == ITEM:
                            store(at, m, load_tail(q, m, real))
                        else:
                            store(at, m, gather(q + m * s_column, s_column, real))
