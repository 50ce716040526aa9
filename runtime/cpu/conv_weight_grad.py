"""Gradient of a convolution with respect to its weights, no im2col, no transposed copies.

The rows of the product are (r, s, c), found by offsets into x, the columns k,
the reduction runs over the output pixels. Large weights are split over output
blocks, small ones over ranges of pixels whose partial sums are merged in a
fixed order.

Source
    Caffe ``ConvolutionLayer`` (backward with respect to the weight blob).
"""

from __future__ import annotations

from runtime import ops
from runtime.cpu import flat
from runtime.cpu.launch import (
    Address,
    Context,
    Launch,
    ThreadStride,
    Word,
    address_of,
    byte_strides,
    kernel_file,
    launcher,
)
from runtime.cpu.pack import BLOCK_BYTES, ZEROS, columns_of
from runtime.plan import Step, View

BLOCK_PIXELS = 192
"""Output pixels of a block: its strip of dy, a tile wide, stays in the first-level cache."""

PARTIAL_BYTES = 400 * 1024
"""Of the sums of a chunk, which stay in the second-level cache."""

CHUNKS = 16
"""Chunks wanted; fewer where the partial sums would outweigh the work."""


@launcher(ops.ConvWeightGrad)
def conv_weight_grad(step: Step, ctx: Context) -> list[Launch]:
    """Launches of ``ops.ConvWeightGrad``."""
    op = step.op
    assert isinstance(op, ops.ConvWeightGrad)
    x, dy = step.reads
    dw = step.writes[0]
    assert dw is not None
    if flat.is_flat(op, x, dw):
        return flat.weight_grad(x, dy, dw, step, ctx)
    if op.groups > 1 and dw.shape[:2] == (op.groups, 1):
        return _depthwise(op, x, dy, dw, step, ctx)
    return _tiled(op, x, dy, dw, step, ctx)


def _first_tap(op: ops.ConvWeightGrad, x: View) -> Address:
    xs = byte_strides(x)
    return Address(x.memory, x.offset - op.pad[0] * xs[2] - op.pad[1] * xs[3])


def _tiled(op: ops.ConvWeightGrad, x: View, dy: View, dw: View, step: Step, ctx: Context) -> list[Launch]:
    item = x.item_bytes
    xs, ys = byte_strides(x), byte_strides(dy)
    images, _, height, width = dy.shape
    channels, (r, s) = dw.shape[1], op.kernel
    rows, k = r * s * channels, dw.shape[0] // op.groups
    columns = columns_of(ctx, dw.dtype, k)
    row_bytes = columns.blocks * columns.width * item
    group_bytes = rows * row_bytes
    rows_a_chunk, blocks_a_chunk = _output_split(rows, columns.blocks, columns.width * item)
    row_chunks, column_chunks = -(-rows // rows_a_chunk), -(-columns.blocks // blocks_a_chunk)
    block_images, block_rows = _pixel_blocks(images, height, width)
    image_blocks = -(-height // block_rows)
    blocks = -(-images // block_images) * image_blocks
    outputs = op.groups * row_chunks * column_chunks
    parts = _parts(outputs, blocks, min(block_images * block_rows, images * height) * width)
    part_bytes = op.groups * group_bytes
    partial = ctx.scratch(parts * part_bytes)
    words: tuple[Word, ...] = (
        *columns.words(ctx, dw.dtype),
        _first_tap(op, x), xs[0], op.stride[0] * xs[2], op.stride[1] * xs[3], channels * item,
        op.dilation[0] * xs[2], op.dilation[1] * xs[3], s, channels,
        address_of(dy), ys[0], ys[2], ys[3], k * item, item,
        images, height, width, block_images, block_rows, image_blocks, blocks, parts,
        rows, rows_a_chunk, row_chunks, k, columns.blocks, blocks_a_chunk, column_chunks,
        partial, part_bytes, group_bytes, row_bytes,
        ctx.thread_scratch(BLOCK_BYTES + 16 * rows_a_chunk), ThreadStride(), 0, 0, *ZEROS,
    )  # fmt: skip
    sums = Launch(kernel_file("weight_grad"), words, outputs * parts, step.barrier)
    return [sums, _merge(dw, op.groups, partial, parts, part_bytes, row_bytes, ctx)]


def _depthwise(op: ops.ConvWeightGrad, x: View, dy: View, dw: View, step: Step, ctx: Context) -> list[Launch]:
    item, lanes = x.item_bytes, ctx.lanes(dw.dtype)
    xs, ys = byte_strides(x), byte_strides(dy)
    images, channels, height, width = dy.shape
    r, s = op.kernel
    count = -(-channels // lanes)
    row_bytes = count * lanes * item
    rows = images * height
    parts = max(1, min(rows, -(-CHUNKS // count)))
    part_bytes = r * s * row_bytes
    partial = ctx.scratch(parts * part_bytes)
    words: tuple[Word, ...] = (
        _first_tap(op, x), xs[0], op.stride[0] * xs[2], op.stride[1] * xs[3],
        op.dilation[0] * xs[2], op.dilation[1] * xs[3], r, s,
        address_of(dy), ys[0], ys[2], ys[3], height, width, rows, parts, count, partial, part_bytes, row_bytes,
    )  # fmt: skip
    kernel = kernel_file("depthwise_weight_grad", SCALAR=dw.dtype, LANES=lanes)
    sums = Launch(kernel, words, parts * count, step.barrier)
    return [sums, _merge(dw, 1, partial, parts, part_bytes, row_bytes, ctx)]


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


def _parts(outputs: int, blocks: int, block_pixels: int) -> int:
    """Ranges of pixel blocks that are summed apart: as few as give ``CHUNKS`` chunks, each worth its merge."""
    wanted = max(1, -(-CHUNKS // outputs))
    return max(1, min(wanted, blocks, blocks * block_pixels // 256))
