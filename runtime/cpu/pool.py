"""MAX (with the index of the largest) and AVE pooling, vectors over channels.

Source
    Caffe ``PoolingLayer``.
"""

from __future__ import annotations

from runtime import ops
from runtime.cpu.emit_pool import block, pool_text
from runtime.cpu.launch import Context, Launch, launcher
from runtime.cpu.pack import called, rows_of_chunk
from runtime.cpu.unroll import registers
from runtime.plan import Step
from runtime.vector.kernel import Word, map_words


@launcher(ops.Pool)
def pool(step: Step, ctx: Context) -> list[Launch]:
    """Launches of ``ops.Pool``."""
    op, x, y = step.op, step.reads[0], step.writes[0]
    assert isinstance(op, ops.Pool)
    assert y is not None
    index = step.writes[1] if len(step.writes) > 1 else None
    n, c, height, width = y.shape
    lanes = ctx.lanes(y.dtype)
    row_work = width * -(-c // lanes) * (2 + op.kernel[0] * op.kernel[1])
    rows_a_chunk = rows_of_chunk(n * height, row_work)
    low, high = whole_windows(op, x.shape[3], width)
    wide = block(high - low, op.kernel[1], 1, 2 if op.mode == "max" else 1, registers(ctx))
    # where there are no blocks, all windows share a kernel
    high, unrolled = (high, (wide, op.kernel[1], op.stride[1])) if wide else (0, (1, 1, 1))
    tail = ctx.tail(step)
    words: tuple[Word, ...] = (
        *map_words(x), *map_words(y), *map_words(index),
        c, *x.shape[2:], height, width, n * height, rows_a_chunk, *op.kernel, *op.stride, *op.pad,
        low, high, *called(tail.inside),
    )  # fmt: skip
    kernel = pool_text(y.dtype, lanes, op.mode, index.dtype if index else "u8", *unrolled)
    return [Launch(kernel, words, -(-n * height // rows_a_chunk), step.barrier), *tail.after]


def whole_windows(op: ops.Pool, size: int, pooled: int) -> tuple[int, int]:
    """The first output column whose window lies in a map of ``size`` columns, and the one behind the last."""
    window, stride, pad = op.kernel[1], op.stride[1], op.pad[1]
    return -(-pad // stride), min(pooled, (size + pad - window) // stride + 1)
