"""Columns gathered into blocks: packed[block][i][j][k][lane], zeros beyond the last column.

Element (i, j, k) of column m lies at source + i s_i + j s_j + k s_k + m s_column
(bytes); chunks are blocks; block b holds the columns from (b % group_blocks) *
row_columns on of group b // group_blocks.
"""

from runtime.cpu.words import copy_element, unpack, zero_element

ITEM = 4


def kernel(args, first, last, thread):
    (
        source, to, group_stride, columns, group_blocks, row_columns,
        n_i, n_j, n_k, s_i, s_j, s_k, s_column,
    ) = unpack(args, 13)  # fmt: skip
    row = row_columns * ITEM
    for block in range(first, last):
        g = block // group_blocks
        column = (block - g * group_blocks) * row_columns
        real = min(row_columns, columns - column)
        start = source + g * group_stride + column * s_column
        block_to = to + block * n_i * n_j * n_k * row
        for k in range(n_k):  # outside, for i and j (taps) are neighbours in a canonical weight
            for i in range(n_i):
                for j in range(n_j):
                    q = start + i * s_i + j * s_j + k * s_k
                    at = block_to + ((i * n_j + j) * n_k + k) * row
                    for m in range(real):
                        copy_element(at + m * ITEM, q, ITEM)
                        q += s_column
                    for m in range(real, row_columns):
                        zero_element(at + m * ITEM, ITEM)
