"""Partial results summed in the order of their parts. Chunk: a range of elements, whole vectors but the last."""

from runtime.vector.simd import least, vectors
from runtime.vector.vectype import ITEM_BYTES
from runtime.vector.words import unpack

SCALAR = "f32"
LANES = 16

ITEM = ITEM_BYTES[SCALAR]
V = vectors(SCALAR, LANES)
load, store_tail = V.load, V.store_tail


def kernel(args, first, last, thread):
    """Chunks ``first`` to ``last``: see the module."""
    partial, parts, part_bytes, to, count, count_a_chunk = unpack(args, 6)
    for i in range(first * count_a_chunk, least(count, last * count_a_chunk), LANES):
        p = partial + i * ITEM
        total = load(p, 0)
        for _ in range(1, parts):
            p += part_bytes
            total = total + load(p, 0)
        store_tail(to, i, total, count - i)
