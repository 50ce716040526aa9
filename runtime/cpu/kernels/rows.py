"""Launches of rows called one behind another on ranges of rows: a map and what runs behind it."""

from runtime.cpu.simd import call, least, word
from runtime.cpu.words import unpack

WORDS = 3


def kernel(args, first, last, thread):
    """Chunks ``first`` to ``last``, of ``rows_a_chunk`` rows."""
    rows, rows_a_chunk, parts = unpack(args, 3)
    for chunk in range(first, last):
        row0 = chunk * rows_a_chunk
        row1 = least(rows, row0 + rows_a_chunk)
        for e in range(parts):
            call(word(args, WORDS + 2 * e), word(args, WORDS + 1 + 2 * e), row0, row1, thread)
