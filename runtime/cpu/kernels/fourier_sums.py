"""Weight gradients from products of spectra, summed over slabs, conjugated in the second factor, transformed back.

S[slab][part][p][channel][block][part] holds the products of x's real (part 0)
and imaginary numbers with dy's. Chunk: some channels of one column block.
"""

from runtime.cpu.fourier.tiles import transforms
from runtime.fourier import NUMBERS, POINTS
from runtime.vector.simd import least, vectors
from runtime.vector.vectype import ITEM_BYTES
from runtime.vector.words import unpack

SCALAR = "f32"
LANES = 16

ITEM = ITEM_BYTES[SCALAR]
VECTOR = LANES * ITEM
V = vectors(SCALAR, LANES)
load, scatter, splat, store = V.load, V.scatter, V.splat, V.store
inverse = transforms(SCALAR, LANES).inverse


def kernel(args, first, last, thread):
    """Chunks ``first`` to ``last``: see the module."""
    (
        sums, slabs, slab, part, point, channel, taps_h, taps_w, channels, channels_a_chunk, channel_chunks,
        columns, to, to_row, to_pixel, to_channel, to_column, scratch, scratch_stride,
    ) = unpack(args, 19)  # fmt: skip
    spectrum = scratch + thread * scratch_stride
    numbers = spectrum + POINTS * 2 * VECTOR
    tile = numbers + NUMBERS * VECTOR
    for chunk in range(first, last):
        block = chunk // channel_chunks
        c0 = (chunk - block * channel_chunks) * channels_a_chunk
        some = least(LANES, columns - block * LANES)
        for c in range(c0, least(channels, c0 + channels_a_chunk)):
            for p in range(POINTS):
                at = sums + p * point + c * channel + block * 2 * VECTOR
                real = splat(0.0)
                imaginary = splat(0.0)
                for _ in range(slabs):
                    real = real + load(at, 0) + load(at + part, LANES)
                    imaginary = imaginary + load(at + part, 0) - load(at, LANES)
                    at += slab
                store(spectrum, 2 * p * LANES, real)
                store(spectrum, (2 * p + 1) * LANES, imaginary)
            inverse(spectrum, 2 * VECTOR, numbers, taps_w, tile)
            start = to + c * to_channel + block * LANES * to_column
            for r in range(taps_h):
                for s in range(taps_w):
                    value = load(tile, (16 * s + r) * LANES) * (1.0 / 256.0)
                    scatter(start + r * to_row + s * to_pixel, to_column, value, some)
