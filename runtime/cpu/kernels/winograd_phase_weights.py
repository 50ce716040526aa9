"""Weights of a strided convolution to points, as winograd_weights: channel (a S + b) C + c has every S-th tap of c.

Tap (i, j) of phase (a, b) is tap (i S + a, j S + b) of the ``size`` x ``size``
window, zero beyond it. Chunk c does range c % parts of these channels of block
c // parts.
"""

from runtime.cpu.winograd.transforms import transformer
from runtime.vector.simd import least, vectors
from runtime.vector.vectype import ITEM_BYTES
from runtime.vector.words import unpack
from runtime.winograd import matrices

SCALAR = "f32"
LANES = 16
TILE = 4
TAPS = 3

N = TILE + TAPS - 1
ITEM = ITEM_BYTES[SCALAR]
BYTES = LANES * ITEM
V = vectors(SCALAR, LANES)
gather, splat, store = V.gather, V.splat, V.store
transform = transformer(matrices(TILE, TAPS).g, SCALAR, LANES)


def kernel(args, first, last, thread):
    """Chunks ``first`` to ``last``: see the module."""
    (
        w, w_channel, w_column, size, stride, columns, block_columns, channels, part, parts,
        u, u_block, u_point, scratch, scratch_stride,
    ) = unpack(args, 15)  # fmt: skip
    taps = scratch + thread * scratch_stride
    all_channels = stride * stride * channels
    for chunk in range(first, last):
        block = chunk // parts
        low = (chunk - block * parts) * part
        start = w + block * block_columns * w_column
        real = least(block_columns, columns - block * block_columns)
        to = u + block * u_block
        for channel in range(low, least(all_channels, low + part)):
            phase = channel // channels
            c = channel - phase * channels
            a = phase // stride
            b = phase - a * stride
            for k in range(0, real, LANES):
                for i in range(TAPS):
                    for j in range(TAPS):
                        r = i * stride + a
                        s = j * stride + b
                        at = taps + (i * TAPS + j) * BYTES
                        if r < size and s < size:
                            source = start + c * w_channel + k * w_column + (r * size + s) * ITEM
                            store(at, 0, gather(source, w_column, least(LANES, real - k)))
                        else:
                            store(at, 0, splat(0.0))
                transform(taps, TAPS * BYTES, BYTES, to + (channel * block_columns + k) * ITEM, N * u_point, u_point)
