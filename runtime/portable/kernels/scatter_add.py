"""Rows added to the rows of a table that their numbers name, in the order of the rows.

Chunk: some entries of the leading axis and, of each table, a range of rows,
which it clears first; it looks at all numbers and adds what falls into its
range. Strides in bytes.
"""

from runtime.vector.simd import least, scalar_loader, vectors
from runtime.vector.vectype import ITEM_BYTES
from runtime.vector.words import unpack, zero_element

SCALAR = "f32"
LANES = 16

ITEM = ITEM_BYTES[SCALAR]
V = vectors(SCALAR, LANES)
load_tail, store_tail, splat, read, write = V.load_tail, V.store_tail, V.splat, V.read, V.write
number = scalar_loader("i32", "i64")


def kernel(args, first, last, thread):
    """Chunks ``first`` to ``last``: see the module."""
    (
        y, y_lead, y_row, y_column, index, index_lead, index_row, table, table_lead, table_row, table_column,
        entries, width, count, leads, leads_a_chunk, parts, rows_a_part,
    ) = unpack(args, 18)  # fmt: skip
    wide = width > 1 and y_column == ITEM and table_column == ITEM
    for chunk in range(first, last):
        group = chunk // parts
        row0 = (chunk - group * parts) * rows_a_part
        row1 = least(entries, row0 + rows_a_part)
        for lead in range(group * leads_a_chunk, least(leads, (group + 1) * leads_a_chunk)):
            base = table + lead * table_lead
            for n in range(row0, row1):
                to = base + n * table_row
                if wide:
                    for i in range(0, width, LANES):
                        store_tail(to, i, splat(0.0), width - i)
                else:
                    for i in range(width):
                        zero_element(to + i * table_column, ITEM)
            at = index + lead * index_lead
            source = y + lead * y_lead
            for _ in range(count):
                n = number(at, 0)
                if n >= row0 and n < row1:
                    to = base + n * table_row
                    if wide:
                        for i in range(0, width, LANES):
                            left = width - i
                            store_tail(to, i, load_tail(to, i, left) + load_tail(source, i, left), left)
                    else:
                        for i in range(width):
                            place = to + i * table_column
                            write(place, 0, read(place, 0) + read(source + i * y_column, 0))
                at += index_row
                source += y_row
