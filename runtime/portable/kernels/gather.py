"""Rows of a table by number, zeros for a number that is none; chunk = a range of rows. Strides in bytes."""

from runtime.vector.simd import least, scalar_loader, vectors
from runtime.vector.vectype import ITEM_BYTES
from runtime.vector.words import copy_element, unpack, zero_element

SCALAR = "f32"
LANES = 16

ITEM = ITEM_BYTES[SCALAR]
V = vectors(SCALAR, LANES)
load_tail, store_tail = V.load_tail, V.store_tail
number = scalar_loader("i32", "i64")


def kernel(args, first, last, thread):
    """Chunks ``first`` to ``last``: see the module."""
    (
        table, table_lead, table_row, table_column, index, index_lead, index_row, y, y_lead, y_row, y_column,
        entries, width, count, rows, rows_a_chunk,
    ) = unpack(args, 16)  # fmt: skip
    row = first * rows_a_chunk
    stop = least(rows, last * rows_a_chunk)
    lead = row // count
    m = row - lead * count
    while row < stop:
        end = least(count, m + stop - row)
        row += end - m
        at = index + lead * index_lead + m * index_row
        to = y + lead * y_lead + m * y_row
        while m < end:
            n = number(at, 0)
            source = table + lead * table_lead + n * table_row
            if n < 0 or n >= entries:
                for i in range(width):
                    zero_element(to + i * y_column, ITEM)
            elif width == 1:
                copy_element(to, source, ITEM)
            elif table_column == ITEM and y_column == ITEM:
                for i in range(0, width, LANES):
                    store_tail(to, i, load_tail(source, i, width - i), width - i)
            else:
                for i in range(width):
                    copy_element(to + i * y_column, source + i * table_column, ITEM)
            at += index_row
            to += y_row
            m += 1
        m = 0
        lead += 1
