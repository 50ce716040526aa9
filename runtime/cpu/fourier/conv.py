"""Convolution and its input gradient by Fourier transforms of 16 x 16 tiles that overlap (overlap-save).

A tile gives 17 - r rows of outputs of r taps, whatever r, so that windows of
7 x 7 and larger cost little more than small ones. A real tile has 130
frequencies that its others follow from: u = 0 and u = 8 with v = 0 .. 8 each,
u = 1 .. 7 with v = 0 .. 15. For each there is one product, of the numbers of
all channels (real and imaginary parts as two sets of channels) with those of
the weights, conjugated because a convolution layer correlates.

Source
    Mathieu, Henaff and LeCun 2014, "Fast training of convolutional networks
    through FFTs"; Zlateski, Jia, Li and Durand 2019, "The anatomy of efficient
    FFT and Winograd convolutions on modern CPUs", for the tiles.
"""

from __future__ import annotations

from dataclasses import dataclass

from runtime import ops
from runtime.cpu.conv import Direct, forward
from runtime.cpu.conv_input_grad import input_grad_geometry
from runtime.cpu.lattice import lattices
from runtime.cpu.launch import PACKED, Context, FunctionOf, Launch, Tail, ThreadStride, kernel_file, launcher
from runtime.cpu.pack import BLOCK_BYTES, ZEROS, called, tile_kernel
from runtime.fourier import NUMBERS, POINTS, SIZE
from runtime.ops import Pair
from runtime.plan import Step
from runtime.vector.kernel import Address, Word
from runtime.ways import FFT

SPECTRA_BYTES = 640 * 1024
"""Of the input's spectra of a block of tiles: within the second-level cache."""

MOST_TILES = 28
"""Of a block: two of the product's tallest tiles."""

SOME_CHANNELS = 4
"""Of a chunk of the weights' transforms."""


@dataclass(frozen=True)
class Blocks:
    """How the tiles of a convolution are taken: units (a row of tiles of an image) a chunk, tiles at a time.

    ``spectra``, ``products``, ``numbers`` and ``size`` are places in a thread's
    scratch, and its bytes.
    """

    units: int
    units_a_chunk: int
    tiles: int
    spectra: int
    products: int
    numbers: int
    size: int

    @classmethod
    def of(cls, d: Direct, lanes: int) -> Blocks:
        """Blocks whose spectra fit the second-level cache."""
        images, height, width = d.size
        units, across = images * -(-height // (SIZE + 1 - d.taps[0])), -(-width // (SIZE + 1 - d.taps[1]))
        padded = -(-d.channels // lanes) * lanes
        tiles = max(4, min(MOST_TILES, SPECTRA_BYTES // (POINTS * 2 * padded * d.item)))
        units_a_chunk = max(1, min(-(-tiles // across), -(-units // 8)))
        tiles = min(tiles, units_a_chunk * across)
        spectra = -(-(BLOCK_BYTES + 16 * tiles) // 64) * 64
        products = spectra + POINTS * tiles * 2 * padded * d.item
        numbers = products + POINTS * tiles * 2 * lanes * d.item
        edge = numbers + (NUMBERS + SIZE * SIZE) * lanes * d.item
        return cls(units, units_a_chunk, tiles, spectra, products, numbers, edge + SIZE * SIZE * padded * d.item)


def launches(d: Direct, dilation: Pair, ctx: Context, tail: Tail, barrier: bool) -> list[Launch]:
    """Spectra of the weights, then those of the input, their products and the outputs; a dilation by lattices.

    ``d`` has stride 1.
    """
    lanes = ctx.lanes(d.dtype)
    blocks = -(-d.columns // lanes)
    weights = ctx.packed(d.w, d.groups * blocks * POINTS * _point_bytes(d, lanes))
    parts = lattices(d, dilation)
    cut = [Blocks.of(part, lanes) for part in parts]
    scratch = ctx.thread_scratch(max(c.size for c in cut))
    whole = len(parts) == 1
    inside = tail.inside if whole else ()
    products = [
        _product(part, c, weights, scratch, ctx, inside, barrier=k == 0)
        for k, (part, c) in enumerate(zip(parts, cut, strict=True))
    ]
    return [_weights(d, weights, ctx, barrier), *products, *(tail.after if whole else tail.apart)]


def _point_bytes(d: Direct, lanes: int) -> int:
    """Bytes of the numbers of a column block at one frequency: two sets of channels by real and imaginary parts."""
    return 4 * d.channels * lanes * d.item


def _weights(d: Direct, to: Address, ctx: Context, barrier: bool) -> Launch:
    lanes = ctx.lanes(d.dtype)
    blocks = -(-d.columns // lanes)
    chunks = -(-d.channels // SOME_CHANNELS)
    scratch = ctx.thread_scratch((SIZE + NUMBERS + 2 * POINTS) * lanes * d.item)
    words: tuple[Word, ...] = (
        d.w, d.w_group, d.w_row, d.w_pixel, d.w_channel, d.w_column, to,
        *d.taps, d.channels, SOME_CHANNELS, chunks, d.columns, blocks, scratch, ThreadStride(),
    )  # fmt: skip
    kernel = kernel_file("fourier_weights", SCALAR=d.dtype, LANES=lanes)
    return Launch(kernel, words, d.groups * blocks * chunks, barrier, refresh=to.memory == PACKED)


def _product(
    d: Direct,
    cut: Blocks,
    weights: Address,
    scratch: Address,
    ctx: Context,
    inside: tuple[Launch, ...],
    barrier: bool,
) -> Launch:
    lanes = ctx.lanes(d.dtype)
    words: tuple[Word, ...] = (
        FunctionOf(tile_kernel(ctx, d.dtype, 2)), d.x, d.x_image, d.x_row, d.x_pixel, d.x_group,
        d.y, d.y_image, d.y_row, d.y_pixel, d.y_group,
        *d.size, SIZE + 1 - d.taps[0], SIZE + 1 - d.taps[1], *d.taps,
        cut.units_a_chunk, cut.tiles, d.channels, -(-d.channels // lanes) * lanes,
        d.groups, d.columns, -(-d.columns // lanes), weights, _point_bytes(d, lanes),
        cut.spectra, cut.products, cut.numbers, scratch, ThreadStride(), *called(inside), *ZEROS,
    )  # fmt: skip
    kernel = kernel_file("fourier", SCALAR=d.dtype, LANES=lanes)
    return Launch(kernel, words, -(-cut.units // cut.units_a_chunk), barrier)


@launcher(ops.Conv, FFT)
def conv(step: Step, ctx: Context) -> list[Launch]:
    """Launches of ``ops.Conv`` by Fourier transforms."""
    op, (x, w), y = step.op, step.reads, step.writes[0]
    assert isinstance(op, ops.Conv)
    assert y is not None
    return launches(forward(op, x, w, y), op.dilation, ctx, ctx.tail(step), step.barrier)


@launcher(ops.ConvInputGrad, FFT)
def conv_input_grad(step: Step, ctx: Context) -> list[Launch]:
    """Launches of ``ops.ConvInputGrad`` by Fourier transforms: a convolution of dy with the taps reversed."""
    op, (dy, w), dx = step.op, step.reads, step.writes[0]
    assert isinstance(op, ops.ConvInputGrad)
    assert dx is not None
    return launches(input_grad_geometry(op, dy, w, dx), op.dilation, ctx, ctx.tail(step), step.barrier)
