"""Columns gathered into blocks: packed[block][i][j][k][lane], zeros beyond the last column.

Element (i, j, k) of column m lies at source + i s_i + j s_j + k s_k + m s_column
(bytes); chunks are blocks; block b holds the columns from (b % group_blocks) *
row_columns on of group b // group_blocks.
"""

from runtime.cpu.words import copy_element, unpack, zero_element

ITEM = 4
NEAR = 32  # steps of k gathered from each column at a time: their lines are read and written whole


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
        for k0 in range(0, n_k, NEAR):
            k1 = min(n_k, k0 + NEAR)
            for m in range(real):
                for k in range(k0, k1):  # outside i and j: the taps of a canonical weight are neighbours
                    for i in range(n_i):
                        q = start + m * s_column + k * s_k + i * s_i
                        at = block_to + (i * n_j * n_k + k) * row + m * ITEM
                        for _ in range(n_j):
                            copy_element(at, q, ITEM)
                            q += s_j
                            at += n_k * row
        if real < row_columns:
            for at in range(block_to, block_to + n_i * n_j * n_k * row, row):
                for m in range(real, row_columns):
                    zero_element(at + m * ITEM, ITEM)
