"""Weight gradient of a convolution by Fourier transforms of 16 x 16 tiles of x and of the dy that they meet.

A tile of dy has 17 - r rows, so that its correlation with a tile of x does not
wrap round. The products of their numbers are summed over all tiles before one
inverse transform a pair of channels. Tiles are taken in slabs that bound the
memory; their sums are added in order.

Source
    Mathieu, Henaff and LeCun 2014, "Fast training of convolutional networks
    through FFTs".
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from runtime import ops
from runtime.cpu.fourier.conv import SOME_CHANNELS
from runtime.cpu.lattice import cells
from runtime.cpu.launch import Context, Launch, ThreadStride, kernel_file, launcher
from runtime.cpu.matmul import Matrix, Product
from runtime.fourier import NUMBERS, POINTS, SIZE
from runtime.plan import ITEM_BYTES, Step, View
from runtime.vector.kernel import Address, Word, address_of, byte_strides
from runtime.ways import FFT

SLAB_BYTES = 32 * 1024 * 1024
"""Of the spectra of a slab of tiles."""

SOME_TILES = 4
"""Tiles of a chunk."""


@dataclass(frozen=True)
class Maps:
    """The maps that tiles are cut from: images, rows and columns of some channels, strides in bytes."""

    at: Address
    strides: tuple[int, int, int]
    size: tuple[int, int, int]
    channels: int

    def lattice(self, step: ops.Pair, start: ops.Pair, size: ops.Pair) -> Maps:
        """Rows and pixels ``step`` apart from ``start`` on; ``size`` of them."""
        image, row, pixel = self.strides
        at = Address(self.at.memory, self.at.offset + start[0] * row + start[1] * pixel)
        return Maps(at, (image, step[0] * row, step[1] * pixel), (self.size[0], *size), self.channels)


@dataclass(frozen=True)
class Spectra:
    """Where the spectra of a slab lie: number p, tile t, channel vector c; bytes."""

    at: Address
    point: int
    tile: int
    vector: int
    part: int


def spectra(
    maps: Maps, reads: ops.Pair, step: ops.Pair, tiles: tuple[int, int, int, int], to: Spectra, ctx: Context, dtype: str
) -> Launch:
    """The launch that transforms tiles (rows, columns, first, count) of ``reads`` elements, ``step`` apart."""
    lanes = ctx.lanes(dtype)
    scratch = ctx.thread_scratch((NUMBERS + SIZE * SIZE) * lanes * ITEM_BYTES[dtype])
    words: tuple[Word, ...] = (
        maps.at, *maps.strides, maps.channels, *maps.size[1:], *tiles[:2], *step, *reads,
        *tiles[2:], SOME_TILES, to.at, to.point, to.tile, to.vector, to.part, scratch, ThreadStride(),
    )  # fmt: skip
    kernel = kernel_file("fourier_spectra", SCALAR=dtype, LANES=lanes)
    return Launch(kernel, words, -(-tiles[3] // SOME_TILES), False)


@launcher(ops.ConvWeightGrad, FFT)
def conv_weight_grad(step: Step, ctx: Context) -> list[Launch]:
    """Launches of ``ops.ConvWeightGrad`` by Fourier transforms."""
    op, (x, dy), dw = step.op, step.reads, step.writes[0]
    assert isinstance(op, ops.ConvWeightGrad)
    assert dw is not None
    launches: list[Launch] = []
    for group in range(op.groups):
        launches += _group(op, x, dy, dw, group, ctx)
    return [*launches, *ctx.tail(step).apart]


def _group(op: ops.ConvWeightGrad, x: View, dy: View, dw: View, group: int, ctx: Context) -> list[Launch]:
    item, lanes = x.item_bytes, ctx.lanes(dw.dtype)
    columns, channels, r, s = dw.shape[0] // op.groups, *dw.shape[1:]
    blocks = -(-columns // lanes)
    x_part, y_row = -(-channels // lanes) * lanes * item, 2 * blocks * lanes * item
    point = channels * y_row
    slab_sums = 2 * POINTS * point
    slabs = _slabs(op, x, dy, group, columns, channels, (r, s), POINTS * (2 * x_part + y_row))
    sums = ctx.scratch(len(slabs) * slab_sums)
    most = max(count for *_, count in slabs)
    of_x = ctx.scratch(most * POINTS * 2 * x_part)
    of_y = ctx.scratch(most * POINTS * y_row)
    step = (SIZE + 1 - r, SIZE + 1 - s)
    launches: list[Launch] = []
    for k, (xs, ys, tiles_h, tiles_w, first, count) in enumerate(slabs):
        tiles = (tiles_h, tiles_w, first, count)
        x_to = Spectra(of_x, count * 2 * x_part, 2 * x_part, lanes * item, x_part)
        y_to = Spectra(of_y, count * y_row, y_row, 2 * lanes * item, lanes * item)
        of_inputs = spectra(xs, (SIZE, SIZE), step, tiles, x_to, ctx, x.dtype)
        launches.append(replace(of_inputs, barrier=True))  # its room was read by what came before
        launches.append(spectra(ys, step, step, tiles, y_to, ctx, x.dtype))
        to = Address(sums.memory, sums.offset + k * slab_sums)
        product = Product(
            x.dtype, channels, y_row // item, count,
            Matrix(x_to.at, item, x_to.tile, (x_to.part, x_to.point)),
            Matrix(y_to.at, y_to.tile, item, (0, y_to.point)),
            Matrix(to, y_row, item, (POINTS * point, point)), (2, POINTS),
        )  # fmt: skip
        launches += product.launches(ctx, True)
    strides = byte_strides(dw)
    chunks = -(-channels // SOME_CHANNELS)
    words: tuple[Word, ...] = (
        sums, len(slabs), slab_sums, POINTS * point, point, y_row, r, s, channels, SOME_CHANNELS, chunks, columns,
        Address(dw.memory, dw.offset + group * columns * strides[0]), strides[2], strides[3], strides[1], strides[0],
        ctx.thread_scratch((2 * POINTS + NUMBERS + SIZE * SIZE) * lanes * item), ThreadStride(),
    )  # fmt: skip
    launches.append(Launch(kernel_file("fourier_sums", SCALAR=dw.dtype, LANES=lanes), words, blocks * chunks))
    return launches


def _slabs(
    op: ops.ConvWeightGrad, x: View, dy: View, group: int, columns: int, channels: int, taps: ops.Pair, tile_bytes: int
) -> list[tuple[Maps, Maps, int, int, int, int]]:
    """Maps of x and dy, rows and columns of tiles, first tile and count of each slab, lattice by lattice."""
    xs, ys = byte_strides(x), byte_strides(dy)
    images, _, height, width = dy.shape
    first = x.offset - op.pad[0] * xs[2] - op.pad[1] * xs[3] + group * channels * x.item_bytes
    whole_x = Maps(Address(x.memory, first), (xs[0], xs[2], xs[3]), (images, 0, 0), channels)
    at = Address(dy.memory, address_of(dy).offset + group * columns * dy.item_bytes)
    whole_y = Maps(at, (ys[0], ys[2], ys[3]), (images, height, width), columns)
    most = max(1, SLAB_BYTES // tile_bytes)
    slabs = []
    for start, (h, w) in cells((height, width), op.dilation):
        mx = whole_x.lattice(op.dilation, start, (h + taps[0] - 1, w + taps[1] - 1))
        my = whole_y.lattice(op.dilation, start, (h, w))
        tiles_h, tiles_w = -(-h // (SIZE + 1 - taps[0])), -(-w // (SIZE + 1 - taps[1]))
        tiles = images * tiles_h * tiles_w
        slabs += [(mx, my, tiles_h, tiles_w, t, min(most, tiles - t)) for t in range(0, tiles, most)]
    return slabs
