"""Zeros in the halo of a map: whole rows above and below it, some pixels left and right of each of its rows.

Chunk: part chunk % parts of the frame of image chunk // parts. Strides and
sizes in bytes. A row of the frame is ``row_runs`` runs of ``row_run`` bytes, a
side ``side_runs`` of ``side_run``, a pixel apart: one run where pixels follow
each other without gaps.
"""

from runtime.vector.simd import splatter, storer, tail_storer
from runtime.vector.words import unpack

BYTES = 64

store, store_tail, splat = storer("u8", BYTES), tail_storer("u8", BYTES), splatter("u8", BYTES)


def kernel(args, first, last, thread):
    """Chunks ``first`` to ``last``: see the module."""
    (
        corner, image, row, pixel, right, height, rows, sides, row_run, row_runs, side_run, side_runs, parts,
    ) = unpack(args, 13)  # fmt: skip
    zero = splat(0)
    lines = 2 * rows + sides
    for chunk in range(first, last):
        n = chunk // parts
        part = chunk - n * parts
        for k in range(part * lines // parts, (part + 1) * lines // parts):
            if k < 2 * rows:
                at = corner + n * image + (k if k < rows else k + height) * row
                run, runs = row_run, row_runs
            else:
                h = (k - 2 * rows) // 2
                at = corner + n * image + (rows + h) * row + (k - 2 * rows - 2 * h) * right
                run, runs = side_run, side_runs
            for _ in range(runs):
                i = 0
                while i + BYTES <= run:
                    store(at, i, zero)
                    i += BYTES
                if i < run:
                    store_tail(at, i, zero, run - i)
                at += pixel
