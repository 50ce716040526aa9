"""Weights to points: u[block][p][channel][column] = (G g G')[p] of each channel and column.

Chunk c does range c % parts of the channels of block c // parts. The taps of a
weight are neighbours in memory; ``flipped`` takes them from last to first.
Columns beyond the last repeat it. ``relative``: u holds nothing but the block
of the call. Strides in bytes; a thread's scratch holds the taps of a vector of
columns.
"""

from runtime.cpu.winograd.transforms import transformer
from runtime.vector.simd import least
from runtime.vector.vectype import ITEM_BYTES
from runtime.vector.words import transposer, unpack
from runtime.winograd import matrices

SCALAR = "f32"
LANES = 16
TILE = 4
TAPS = 3

N = TILE + TAPS - 1
ITEM = ITEM_BYTES[SCALAR]
BYTES = LANES * ITEM
transform = transformer(matrices(TILE, TAPS).g, SCALAR, LANES)
transpose = transposer(SCALAR, LANES)


def kernel(args, first, last, thread):
    """Chunks ``first`` to ``last``: see the module."""
    (
        w, w_group, w_channel, w_column, flipped, group_columns, group_blocks, block_columns, channels, part, parts,
        u, u_stride, u_block, u_point, relative, scratch, scratch_stride,
    ) = unpack(args, 18)  # fmt: skip
    taps = scratch + thread * scratch_stride
    source = taps
    step = BYTES
    if flipped == 1:
        source += (TAPS * TAPS - 1) * BYTES
        step = -BYTES
    for chunk in range(first, last):
        block = chunk // parts
        low = (chunk - block * parts) * part
        g = block // group_blocks
        column = (block - g * group_blocks) * block_columns
        start = w + g * w_group + column * w_column
        real = least(block_columns, group_columns - column)
        to = u + thread * u_stride
        if relative == 0:
            to += block * u_block
        for c in range(low, least(channels, low + part)):
            for k in range(0, real, LANES):
                for e in range(0, TAPS * TAPS, LANES):
                    transpose(start + c * w_channel + k * w_column + e * ITEM, w_column, real - k, taps + e * BYTES)
                transform(source, TAPS * step, step, to + (c * block_columns + k) * ITEM, N * u_point, u_point)
