"""Gather and ScatterAdd: rows by number.

A destination belongs to one chunk, which adds to it in the order of the rows:
the same bits for any number of threads.
"""

from __future__ import annotations

from runtime import ops
from runtime.plan import Step, View
from runtime.portable.site import Site, Work, kernel_file, portable
from runtime.vector.kernel import Word, address_of, byte_strides

CHUNK_WORK = 16384
"""Elements that a chunk should move at least."""

MOVES_A_VISIT = 3
"""Operations of a vector that adding an element is worth."""


@portable(ops.Gather)
def gather(step: Step, site: Site) -> Work:
    """The work of ``ops.Gather``."""
    (table, index), y = step.reads, step.writes[0]
    assert y is not None
    leads, count, width = (1, *y.shape)[-3:]
    lanes = site.lanes(y.dtype)
    rows = leads * count
    a_chunk = site.chunk(rows, 4 + 2 * -(-width // lanes))
    words: tuple[Word, ...] = (
        *_words(table), *_numbers(index), *_words(y), table.shape[-2], width, count, rows, a_chunk,
    )  # fmt: skip
    kernel = kernel_file("gather", SCALAR=y.dtype, LANES=lanes)
    return Work(kernel, words, -(-rows // a_chunk))


@portable(ops.ScatterAdd)
def scatter_add(step: Step, site: Site) -> Work:
    """The work of ``ops.ScatterAdd``."""
    (y, index), table = step.reads, step.writes[0]
    assert table is not None
    leads, entries, width = (1, *table.shape)[-3:]
    count = index.shape[-1]
    parts = site.parts(leads, entries, worth_cutting(entries, count, width))
    a_part = -(-entries // parts)
    parts = -(-entries // a_part)
    work = (entries + count) * width
    a_chunk = 1 if parts > 1 else site.chunk(leads, MOVES_A_VISIT * work)
    words: tuple[Word, ...] = (
        *_words(y), *_numbers(index), *_words(table), entries, width, count, leads, a_chunk, parts, a_part,
    )  # fmt: skip
    kernel = kernel_file("scatter_add", SCALAR=table.dtype, LANES=site.lanes(table.dtype))
    return Work(kernel, words, -(-leads // a_chunk) * parts)


def worth_cutting(entries: int, count: int, width: int) -> int:
    """Into how many ranges of rows a table is worth cutting, from the shapes alone.

    Each range looks at all numbers, which costs about as much as adding eight
    elements: wide rows are worth more ranges than single elements.
    """
    return max(1, min((entries + count) * width // CHUNK_WORK, 4 + width // 8))


def _words(view: View) -> tuple[Word, ...]:
    """Address, then strides (bytes) of the leading axis, of rows and of columns."""
    lead, row, column = (0, *byte_strides(view))[-3:]
    return address_of(view), lead, row, view.item_bytes if view.shape[-1] == 1 else column


def _numbers(index: View) -> tuple[Word, ...]:
    """Address of an index, strides (bytes) of the leading axis and from number to number."""
    lead, row = (0, *byte_strides(index))[-2:]
    return address_of(index), lead, row
