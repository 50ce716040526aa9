"""Gather and ScatterAdd on the CPU: rows by number.

A destination belongs to one chunk, which adds to it in the order of the rows:
the same bits for any number of threads.
"""

from __future__ import annotations

from runtime import ops
from runtime.cpu.launch import Context, Launch, Word, address_of, byte_strides, kernel_file, launcher
from runtime.cpu.pack import rows_of_chunk
from runtime.plan import Step, View

CHUNKS = 16
"""Chunks worth having; more ranges of a table mean more looks at the numbers."""

CHUNK_WORK = 16384
"""Elements that a chunk should move at least."""


@launcher(ops.Gather)
def gather(step: Step, ctx: Context) -> list[Launch]:
    """The launch of ``ops.Gather``."""
    (table, index), y = step.reads, step.writes[0]
    assert y is not None
    leads, count, width = (1, *y.shape)[-3:]
    lanes = ctx.lanes(y.dtype)
    rows = leads * count
    a_chunk = rows_of_chunk(rows, 4 + 2 * -(-width // lanes))
    words: tuple[Word, ...] = (
        *_words(table), *_numbers(index), *_words(y), table.shape[-2], width, count, rows, a_chunk,
    )  # fmt: skip
    kernel = kernel_file("gather", SCALAR=y.dtype, LANES=lanes)
    return [Launch(kernel, words, -(-rows // a_chunk), step.barrier)]


@launcher(ops.ScatterAdd)
def scatter_add(step: Step, ctx: Context) -> list[Launch]:
    """The launch of ``ops.ScatterAdd``."""
    (y, index), table = step.reads, step.writes[0]
    assert table is not None
    leads, entries, width = (1, *table.shape)[-3:]
    count = index.shape[-1]
    parts = ranges(leads, entries, count, width)
    a_part = -(-entries // parts)
    parts = -(-entries // a_part)
    work = (entries + count) * width
    a_chunk = 1 if parts > 1 else max(1, min(-(-leads // CHUNKS), CHUNK_WORK // work))
    words: tuple[Word, ...] = (
        *_words(y), *_numbers(index), *_words(table), entries, width, count, leads, a_chunk, parts, a_part,
    )  # fmt: skip
    kernel = kernel_file("scatter_add", SCALAR=table.dtype, LANES=ctx.lanes(table.dtype))
    return [Launch(kernel, words, -(-leads // a_chunk) * parts, step.barrier)]


def ranges(leads: int, entries: int, count: int, width: int) -> int:
    """How many ranges of rows a table is cut into, from the shapes alone.

    Each range looks at all numbers, which costs about as much as adding eight
    elements: wide rows are worth more ranges than single elements.
    """
    enough = -(-CHUNKS // leads)
    worth = max(1, (entries + count) * width // CHUNK_WORK)
    return max(1, min(enough, worth, 4 + width // 8, entries))


def _words(view: View) -> tuple[Word, ...]:
    """Address, then strides (bytes) of the leading axis, of rows and of columns."""
    lead, row, column = (0, *byte_strides(view))[-3:]
    return address_of(view), lead, row, view.item_bytes if view.shape[-1] == 1 else column


def _numbers(index: View) -> tuple[Word, ...]:
    """Address of an index, strides (bytes) of the leading axis and from number to number."""
    lead, row = (0, *byte_strides(index))[-2:]
    return address_of(index), lead, row
