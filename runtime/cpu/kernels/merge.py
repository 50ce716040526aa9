"""Partial weight gradients summed in the order of their parts, to the canonical (K, C, R, S).

Chunk: a vector of columns k of a group, times a range of channels.
"""

from runtime.vector.simd import least, vectors
from runtime.vector.vectype import ITEM_BYTES
from runtime.vector.words import unpack

SCALAR = "f32"
LANES = 16

ITEM = ITEM_BYTES[SCALAR]
V = vectors(SCALAR, LANES)
load, scatter = V.load, V.scatter


def kernel(args, first, last, thread):
    """Chunks ``first`` to ``last``: see the module."""
    (
        partial, parts, part_bytes, group_bytes, row_bytes,
        to, group_stride, column_stride, taps, channels, channels_a_chunk, channel_chunks, columns, vectors_a_group,
    ) = unpack(args, 14)  # fmt: skip
    for chunk in range(first, last):
        rest = chunk // channel_chunks
        c0 = (chunk - rest * channel_chunks) * channels_a_chunk
        group = rest // vectors_a_group
        k = (rest - group * vectors_a_group) * LANES
        source = partial + group * group_bytes + k * ITEM
        target = to + group * group_stride + k * column_stride
        for c in range(c0, least(channels, c0 + channels_a_chunk)):
            for tap in range(taps):
                p = source + (tap * channels + c) * row_bytes
                total = load(p, 0)
                for _ in range(1, parts):
                    p += part_bytes
                    total = total + load(p, 0)
                scatter(target + (c * taps + tap) * ITEM, column_stride, total, columns - k)
