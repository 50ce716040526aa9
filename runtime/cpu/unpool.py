"""Gradients of pooling as a gather over windows: the same bits however it is shared out.

Source
    Caffe ``PoolingLayer`` (backward).
"""

from __future__ import annotations

from runtime import ops
from runtime.cpu.emit_pool import block, reaching, unpool_text
from runtime.cpu.launch import Context, Launch, launcher
from runtime.cpu.pack import called, rows_of_chunk
from runtime.cpu.unroll import registers
from runtime.plan import Step
from runtime.vector.kernel import Word, map_words


@launcher(ops.Unpool)
def unpool(step: Step, ctx: Context) -> list[Launch]:
    """Launches of ``ops.Unpool``."""
    op, dx = step.op, step.writes[0]
    assert isinstance(op, ops.Unpool)
    assert dx is not None
    dy, index = step.reads[0], step.reads[1] if op.mode == "max" else None
    n, c, height, width = dx.shape
    lanes = ctx.lanes(dx.dtype)
    overlap = -(-op.kernel[0] // op.stride[0]) * -(-op.kernel[1] // op.stride[1])
    rows_a_chunk = rows_of_chunk(n * height, width * -(-c // lanes) * (2 + 2 * overlap))
    low, high = _whole_positions(op, dy.shape[3], width)
    wide = block(high - low, op.kernel[1] if op.mode == "max" else 1, op.stride[1], 1, registers(ctx))
    # where there are no blocks, all windows share a kernel
    high, unrolled = (high, (wide, op.kernel[1], op.stride[1], op.pad[1])) if wide else (0, (1, 1, 1, 0))
    tail = ctx.tail(step)
    words: tuple[Word, ...] = (
        *map_words(dy), *map_words(dx), *map_words(index),
        c, *dy.shape[2:], height, width, n * height, rows_a_chunk, *op.kernel, *op.stride, *op.pad,
        low, high, *called(tail.inside),
    )  # fmt: skip
    kernel = unpool_text(dx.dtype, lanes, op.mode, index.dtype if index else "u8", *unrolled)
    return [Launch(kernel, words, -(-n * height // rows_a_chunk), step.barrier), *tail.after]


def _whole_positions(op: ops.Unpool, pooled: int, size: int) -> tuple[int, int]:
    """The positions (of ``stride`` columns) that lie in dx and that existing windows alone reach."""
    window, stride, pad = op.kernel[1], op.stride[1], op.pad[1]
    outputs = [output for phase in reaching(window, stride, pad) for _, output in phase]
    return max(0, -min(outputs)), min(size // stride, pooled - max(outputs))
