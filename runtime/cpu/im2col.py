"""Convolution by im2col and a matrix product, the windows of a block of pixels at a time.

The plain way of the courses: every window is copied to a row of a matrix. It
serves any stride and dilation; the copies cost what the direct convolution
saves by reading the windows where they lie.

Source
    Chellapilla, Puri and Simard 2006, "High performance convolutional neural
    networks for document processing"; Caffe ``im2col``.
"""

from __future__ import annotations

from runtime import ops
from runtime.cpu.conv import Direct, forward
from runtime.cpu.launch import Context, Launch, Tail, ThreadStride, kernel_file, launcher
from runtime.cpu.pack import BLOCK_BYTES, ZEROS, called, columns_of
from runtime.plan import Step
from runtime.vector.kernel import Address, Word
from runtime.ways import IM2COL

STAGE_BYTES = 192 * 1024
"""Of the windows of a block of pixels: with a part of the weights they stay in the second-level cache."""

PART_BYTES = 128 * 1024
"""Of the weights of a column block that all rows of a block of pixels take before the next part."""

CHUNK_WORK = 4e6
"""Multiply-adds of a chunk, at least."""


def product(d: Direct, ctx: Context, packed: Address, tail: Tail, barrier: bool) -> list[Launch]:
    """The launches behind the packing of the weights; see ``Direct.product``."""
    images, height, width = d.size
    columns = columns_of(ctx, d.dtype, d.columns)
    steps = d.taps[0] * d.taps[1] * d.channels
    # room for the lanes that the last copy of a row writes beyond it; an odd number of lines keeps rows apart
    window = (-(-(steps + ctx.lanes(d.dtype)) * d.item // 128) * 128) + 64
    pixels = max(14, min(STAGE_BYTES // window, 1024) // 14 * 14)
    rows = images * height
    work = width * steps * d.columns * d.groups
    rows_a_chunk = max(1, min(-(-rows // 8), int(CHUNK_WORK // work)))
    dense = d.tap_pixel == d.channels * d.item
    runs, run = (1, d.taps[1] * d.channels) if dense else (d.taps[1], d.channels)
    weight_row = columns.width * d.item
    stage = -(-(BLOCK_BYTES + 16 * pixels) // 64) * 64
    words: tuple[Word, ...] = (
        *columns.words(ctx, d.dtype),
        d.x, d.x_image, d.x_row, d.x_pixel, d.x_group, d.tap_row, d.tap_pixel,
        d.y, d.y_image, d.y_row, d.y_pixel, d.y_group,
        height, width, rows, rows_a_chunk, pixels,
        d.groups, columns.count, columns.blocks, packed, steps * weight_row, weight_row,
        d.taps[0], runs, run, steps, max(1, PART_BYTES // weight_row), window, stage,
        ctx.thread_scratch(stage + pixels * window), ThreadStride(), *called(tail.inside), *ZEROS,
    )  # fmt: skip
    kernel = kernel_file("im2col", SCALAR=d.dtype, LANES=ctx.lanes(d.dtype))
    return [Launch(kernel, words, -(-rows // rows_a_chunk), barrier), *tail.after]


@launcher(ops.Conv, IM2COL)
def conv(step: Step, ctx: Context) -> list[Launch]:
    """Launches of ``ops.Conv`` by im2col."""
    op, (x, w), y = step.op, step.reads, step.writes[0]
    assert isinstance(op, ops.Conv)
    assert y is not None
    direct = forward(op, x, w, y)
    packing = direct.packing(ctx)
    packed = ctx.packed(packing.source, packing.bytes)
    return [packing.launch(ctx, packed, step.barrier), *product(direct, ctx, packed, ctx.tail(step), True)]
