"""Gradient of a convolution with respect to its weights, no im2col, no transposed copies.

The rows of the product are (r, s, c), found by offsets into x, the columns k,
the reduction runs over the output pixels. Large weights are split over output
blocks, small ones over ranges of pixels whose partial sums are merged in a
fixed order.

Source
    Caffe ``ConvolutionLayer`` (backward with respect to the weight blob).
"""

from __future__ import annotations

from dataclasses import dataclass

from runtime import ops
from runtime.cpu import depthwise, flat
from runtime.cpu.conv_images import Reach
from runtime.cpu.launch import Context, Launch, ThreadStride, kernel_file, launcher
from runtime.cpu.pack import BLOCK_BYTES, ZEROS, Columns, columns_of, tile_cost
from runtime.plan import Step, View
from runtime.vector.kernel import Address, Word, address_of, byte_strides
from runtime.ways import is_flat

BLOCK_PIXELS = 192
"""Output pixels of a block: its strip of dy, a tile wide, stays in the first-level cache."""

TAP_PIXELS = 256
"""Output pixels of the largest map whose taps are taken apart."""

PARTIAL_BYTES = 400 * 1024
"""Of the sums of a chunk, which stay in the second-level cache."""

CHUNKS = 16
"""Chunks wanted; half as many where the partial sums are large."""

MERGE_BYTES = 128 * 1024
"""Partial sums from which their merge counts."""


@launcher(ops.ConvWeightGrad)
def conv_weight_grad(step: Step, ctx: Context) -> list[Launch]:
    """Launches of ``ops.ConvWeightGrad``."""
    op = step.op
    assert isinstance(op, ops.ConvWeightGrad)
    x, dy = step.reads
    dw = step.writes[0]
    assert dw is not None
    if is_flat(op, x.shape, dw.shape[2:]):
        return flat.weight_grad(x, dy, dw, step, ctx)
    if depthwise.applies(op, dw.shape, ctx.lanes(x.dtype)):
        return depthwise.weight_grad(op, x, dy, dw, step, ctx)
    return _tiled(op, x, dy, dw, step, ctx)


def _first_tap(op: ops.ConvWeightGrad, x: View) -> Address:
    xs = byte_strides(x)
    return Address(x.memory, x.offset - op.pad[0] * xs[2] - op.pad[1] * xs[3])


@dataclass(frozen=True)
class _Sums:
    """How the sums of one weight gradient are laid out and shared out."""

    columns: Columns
    rows: int
    row_bytes: int
    group_bytes: int
    part_bytes: int
    blocks_a_chunk: int
    column_chunks: int
    partial: Address
    parts: int

    @property
    def places(self) -> tuple[Word, ...]:
        """The words that say where the sums go."""
        return self.partial, self.part_bytes, self.group_bytes, self.row_bytes


def _tiled(op: ops.ConvWeightGrad, x: View, dy: View, dw: View, step: Step, ctx: Context) -> list[Launch]:
    item = x.item_bytes
    images, _, height, width = dy.shape
    channels, (r, s) = dw.shape[1], op.kernel
    rows, k = r * s * channels, dw.shape[0] // op.groups
    columns = columns_of(ctx, dw.dtype, k)
    width_bytes = columns.width * item
    by_taps = _by_taps(op, x, dy, channels)
    rows_a_chunk, blocks_a_chunk = _output_split(rows, columns.blocks, width_bytes)
    if by_taps:
        rows_a_chunk = max(1, rows_a_chunk // channels) * channels
    row_chunks, column_chunks = -(-rows // rows_a_chunk), -(-columns.blocks // blocks_a_chunk)
    block_images, block_rows = (
        (max(1, BLOCK_PIXELS // (height * width)), height) if by_taps else _pixel_blocks(images, height, width)
    )
    block_images = min(images, block_images)
    image_blocks = -(-height // block_rows)
    blocks = -(-images // block_images) * image_blocks
    outputs = op.groups * row_chunks * column_chunks
    row_bytes = columns.blocks * width_bytes
    part_bytes = op.groups * rows * row_bytes
    block_pixels = min(block_images * block_rows, images * height) * width
    parts = _parts(outputs, blocks, block_pixels, CHUNKS if part_bytes < MERGE_BYTES else CHUNKS // 2)
    sums = _Sums(
        columns, rows, row_bytes, rows * row_bytes, part_bytes, blocks_a_chunk, column_chunks,
        ctx.scratch(parts * part_bytes), parts,
    )  # fmt: skip
    if by_taps:
        kernel = kernel_file("weight_grad_taps")
        words = _tap_words(op, x, dy, sums, rows_a_chunk // channels, row_chunks, block_images, blocks, ctx)
    else:
        kernel = kernel_file("weight_grad")
        blocking = (block_images, block_rows, image_blocks, blocks)
        words = _row_words(op, x, dy, sums, channels, rows_a_chunk, row_chunks, blocking, ctx)
    first = Launch(kernel, words, outputs * parts, step.barrier)
    return [first, _merge(dw, op.groups, sums.partial, parts, part_bytes, row_bytes, ctx)]


def _by_taps(op: ops.ConvWeightGrad, x: View, dy: View, channels: int) -> bool:
    """Whether to take each tap apart: its sums leave out the halo, its tiles are the channels'."""
    height, width = dy.shape[2:]
    if height * width > TAP_PIXELS or channels > 512:
        return False
    reach = Reach((-op.pad[0], -op.pad[1]), op.stride, op.dilation, (x.shape[2], x.shape[3]))
    inside = reach.inside(0, height, op.kernel[0]) * reach.inside(1, width, op.kernel[1])
    rows = op.kernel[0] * op.kernel[1] * channels
    return inside * tile_cost(channels) / channels < 0.95 * tile_cost(rows) / rows


def _operand_words(op: ops.ConvWeightGrad, x: View, channels: int) -> tuple[Word, ...]:
    xs = byte_strides(x)
    return (
        _first_tap(op, x), xs[0], op.stride[0] * xs[2], op.stride[1] * xs[3], channels * x.item_bytes,
        op.dilation[0] * xs[2], op.dilation[1] * xs[3],
    )  # fmt: skip


def _gradient_words(dy: View, sums: _Sums) -> tuple[Word, ...]:
    ys = byte_strides(dy)
    return address_of(dy), ys[0], ys[2], ys[3], sums.columns.count * dy.item_bytes, dy.item_bytes


def _row_words(
    op: ops.ConvWeightGrad,
    x: View,
    dy: View,
    sums: _Sums,
    channels: int,
    rows_a_chunk: int,
    row_chunks: int,
    blocking: tuple[int, int, int, int],
    ctx: Context,
) -> tuple[Word, ...]:
    images, _, height, width = dy.shape
    return (
        *sums.columns.words(ctx, dy.dtype),
        *_operand_words(op, x, channels), op.kernel[1], channels,
        *_gradient_words(dy, sums),
        images, height, width, *blocking, sums.parts,
        sums.rows, rows_a_chunk, row_chunks,
        sums.columns.count, sums.columns.blocks, sums.blocks_a_chunk, sums.column_chunks,
        *sums.places, ctx.thread_scratch(BLOCK_BYTES + 16 * rows_a_chunk), ThreadStride(), *ZEROS,
    )  # fmt: skip


def _tap_words(
    op: ops.ConvWeightGrad,
    x: View,
    dy: View,
    sums: _Sums,
    taps_a_chunk: int,
    row_chunks: int,
    block_images: int,
    blocks: int,
    ctx: Context,
) -> tuple[Word, ...]:
    images, _, height, width = dy.shape
    taps = op.kernel[0] * op.kernel[1]
    channels = sums.rows // taps
    return (
        *sums.columns.words(ctx, dy.dtype),
        *_operand_words(op, x, channels), taps, op.kernel[1], channels,
        *_gradient_words(dy, sums),
        images, height, width, block_images, blocks, sums.parts,
        taps_a_chunk, row_chunks,
        sums.columns.count, sums.columns.blocks, sums.blocks_a_chunk, sums.column_chunks,
        *sums.places, ctx.thread_scratch(BLOCK_BYTES + 16 * channels), ThreadStride(),
        op.pad[0], op.stride[0], op.dilation[0], x.shape[2],
        op.pad[1], op.stride[1], op.dilation[1], x.shape[3], *ZEROS,
    )  # fmt: skip


def _merge(
    dw: View, groups: int, partial: Address, parts: int, part_bytes: int, row_bytes: int, ctx: Context
) -> Launch:
    """The sum of the parts, written as (K, C, R, S)."""
    lanes, strides = ctx.lanes(dw.dtype), byte_strides(dw)
    k, channels, r, s = dw.shape
    columns = k // groups
    count = -(-columns // lanes)
    channels_a_chunk = max(1, -(-channels * groups * count // 64))
    channel_chunks = -(-channels // channels_a_chunk)
    words: tuple[Word, ...] = (
        partial, parts, part_bytes, part_bytes // groups, row_bytes,
        address_of(dw), columns * strides[0], strides[0], r * s, channels, channels_a_chunk, channel_chunks,
        columns, count,
    )  # fmt: skip
    kernel = kernel_file("merge", SCALAR=dw.dtype, LANES=lanes)
    return Launch(kernel, words, groups * count * channel_chunks, True)


def _output_split(rows: int, blocks: int, block_row_bytes: int) -> tuple[int, int]:
    """Rows and column blocks of a chunk: all, or what the cache holds of the sums, in whole tiles."""
    if rows * blocks * block_row_bytes <= PARTIAL_BYTES:
        return rows, blocks
    some = min(blocks, 4)
    most = max(14, PARTIAL_BYTES // (some * block_row_bytes) // 14 * 14)
    chunks = -(-rows // most)
    return min(rows, -(-rows // chunks // 14) * 14 + 14 if chunks > 1 else rows), some


def _pixel_blocks(images: int, height: int, width: int) -> tuple[int, int]:
    """Images and rows of a pixel block: several whole images, or some rows of one."""
    if height * width <= BLOCK_PIXELS:
        return min(images, max(1, BLOCK_PIXELS // (height * width))), height
    count = -(-height // max(1, BLOCK_PIXELS // width))
    return 1, -(-height // count)


def _parts(outputs: int, blocks: int, block_pixels: int, chunks: int) -> int:
    """Ranges of pixel blocks that are summed apart: as few as give so many chunks, each worth its merge."""
    wanted = max(1, -(-chunks // outputs))
    return max(1, min(wanted, blocks, blocks * block_pixels // 256))
