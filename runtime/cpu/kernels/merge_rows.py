"""What ranges of rows have found, merged in the order of the rows.

Range by range a slot of partial results lies at its first row; ``counts`` says
how many rows it holds, hence where the next one begins; where ``counts`` is 0,
each holds one. Chunk: a vector of channels of one result. Sums are taken over
runs of ranges, then over runs.

``HOW``: ``sum`` and ``max`` of each result; ``moments`` of parts (mean, squares
around it): the mean of the means, then all squares around that.
"""

from runtime.vector.simd import maximum, vectors, word
from runtime.vector.vectype import ITEM_BYTES
from runtime.vector.words import unpack

SCALAR = "f32"
LANES = 16
HOW = "sum"

ITEM = ITEM_BYTES[SCALAR]
WORDS = 8
RUN = 32
IDENTITY = float("-inf") if HOW == "max" else 0.0
V = vectors(SCALAR, LANES)
load, splat, scatter = V.load, V.splat, V.scatter


def kernel(args, first, last, thread):
    """Chunks ``first`` to ``last``: see the module."""
    counts, slots, slot_bytes, part_bytes, rows, width, columns, blocks = unpack(args, 8)
    for chunk in range(first, last):
        result = chunk // blocks
        i = (chunk - result * blocks) * LANES
        part = slots + result * part_bytes + i * ITEM
        total = splat(IDENTITY)
        row = 0
        while row < rows:
            run = splat(IDENTITY)
            taken = 0
            while taken < RUN and row < rows:
                count = 1 if counts == 0 else word(counts, row)
                found = load(part + row * slot_bytes, 0)
                if HOW == "max":
                    run = maximum(run, found)
                elif HOW == "sum":
                    run = run + found
                else:
                    run = run + found * splat(float(count * width))
                row += count
                taken += 1
            total = maximum(total, run) if HOW == "max" else total + run
        if HOW == "moments":
            size = splat(float(rows * width))
            total = total / size
            square = splat(0.0)
            row = 0
            while row < rows:
                run = splat(0.0)
                taken = 0
                while taken < RUN and row < rows:
                    count = 1 if counts == 0 else word(counts, row)
                    away = load(part + row * slot_bytes, 0) - total
                    inside = load(part + part_bytes + row * slot_bytes, 0)
                    run = run + inside + away * away * splat(float(count * width))
                    row += count
                    taken += 1
                square = square + run
            stride = word(args, WORDS + 3)
            if word(args, WORDS + 2) != 0:
                scatter(word(args, WORDS + 2) + i * stride, stride, square / size, columns - i)
        if word(args, WORDS + 2 * result) != 0:
            stride = word(args, WORDS + 1 + 2 * result)
            scatter(word(args, WORDS + 2 * result) + i * stride, stride, total, columns - i)
