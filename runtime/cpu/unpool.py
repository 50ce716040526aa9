"""Gradients of pooling as a gather over windows: the same bits however it is shared out.

Source
    Caffe ``PoolingLayer`` (backward).
"""

from __future__ import annotations

from runtime import ops
from runtime.cpu.launch import Context, Launch, Word, kernel_file, launcher
from runtime.cpu.pack import called, rows_of_chunk
from runtime.cpu.pool import map_words
from runtime.plan import Step


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
    tail = ctx.tail(step)
    words: tuple[Word, ...] = (
        *map_words(dy), *map_words(index), *map_words(dx),
        c, *dy.shape[2:], height, width, n * height, rows_a_chunk, *op.kernel, *op.stride, *op.pad,
        *called(tail.inside),
    )  # fmt: skip
    kernel = kernel_file(
        "unpool", SCALAR=dx.dtype, LANES=lanes, MAX=op.mode == "max", INDEX=index.dtype if index else "u8"
    )
    return [Launch(kernel, words, -(-n * height // rows_a_chunk), step.barrier), *tail.after]
