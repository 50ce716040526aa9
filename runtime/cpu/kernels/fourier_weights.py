"""Spectra of weights for kernels/fourier.py: U[g][block][p][2 channels][real, imaginary], scaled for the inverse.

Row c of a frequency meets the real part of channel c, row channels + c the
imaginary one. Chunk: some channels of one column block.
"""

from runtime.cpu.fourier.codelets import forward_complex, forward_real
from runtime.fourier import NUMBERS, POINTS
from runtime.vector.simd import least, vectors
from runtime.vector.vectype import ITEM_BYTES
from runtime.vector.words import unpack

SCALAR = "f32"
LANES = 16

ITEM = ITEM_BYTES[SCALAR]
VECTOR = LANES * ITEM
V = vectors(SCALAR, LANES)
gather, load, splat, store = V.gather, V.load, V.splat, V.store
half, full = (f(SCALAR, LANES) for f in (forward_real, forward_complex))


def kernel(args, first, last, thread):
    """Chunks ``first`` to ``last``: see the module."""
    (
        w, w_group, w_row, w_pixel, w_channel, w_column, to,
        taps_h, taps_w, channels, channels_a_chunk, channel_chunks, columns, blocks, scratch, scratch_stride,
    ) = unpack(args, 16)  # fmt: skip
    tile = scratch + thread * scratch_stride
    numbers = tile + 16 * VECTOR
    spectrum = numbers + NUMBERS * VECTOR
    row = 2 * VECTOR
    for i in range(16):
        store(tile, i * LANES, splat(0.0))
    for i in range(NUMBERS):
        store(numbers, i * LANES, splat(0.0))
    for chunk in range(first, last):
        entry = chunk // channel_chunks
        g = entry // blocks
        k = entry - g * blocks
        c0 = (chunk - entry * channel_chunks) * channels_a_chunk
        some = least(LANES, columns - k * LANES)
        for c in range(c0, least(channels, c0 + channels_a_chunk)):
            start = w + g * w_group + k * LANES * w_column + c * w_channel
            for s in range(taps_w):
                for r in range(taps_h):
                    value = gather(start + r * w_row + s * w_pixel, w_column, some)
                    store(tile, r * LANES, value * (1.0 / 256.0))
                half(tile, VECTOR, 0, numbers + 2 * s * VECTOR, 32 * VECTOR, VECTOR)
            half(numbers, row, 0, spectrum, row, VECTOR)
            half(numbers + 8 * 32 * VECTOR, row, 0, spectrum + 9 * row, row, VECTOR)
            for u in range(1, 8):
                full(numbers + u * 32 * VECTOR, row, VECTOR, spectrum + (2 + 16 * u) * row, row, VECTOR)
            for p in range(POINTS):
                real = load(spectrum, 2 * p * LANES)
                imaginary = load(spectrum, (2 * p + 1) * LANES)
                at = to + ((entry * POINTS + p) * 2 * channels + c) * row
                store(at, 0, real)
                store(at, LANES, -imaginary)
                store(at + channels * row, 0, imaginary)
                store(at + channels * row, LANES, real)
