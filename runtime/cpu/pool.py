"""MAX (with the index of the largest) and AVE pooling, vectors over channels.

Source
    Caffe ``PoolingLayer``.
"""

from __future__ import annotations

from runtime import ops
from runtime.cpu.launch import Context, Launch, Word, address_of, byte_strides, kernel_file, launcher
from runtime.cpu.pack import called, rows_of_chunk
from runtime.plan import Step, View


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
    tail = ctx.tail(step)
    words: tuple[Word, ...] = (
        *map_words(x), *map_words(y), *map_words(index),
        c, *x.shape[2:], height, width, n * height, rows_a_chunk, *op.kernel, *op.stride, *op.pad,
        *called(tail.inside),
    )  # fmt: skip
    kernel = kernel_file(
        "pool", SCALAR=y.dtype, LANES=lanes, MAX=op.mode == "max", INDEX=index.dtype if index else "u8"
    )
    return [Launch(kernel, words, -(-n * height // rows_a_chunk), step.barrier), *tail.after]


def map_words(view: View | None) -> tuple[Word, ...]:
    """Address of an N x C x H x W view, strides (bytes) of image, row and pixel; zeros without a view."""
    if view is None:
        return 0, 0, 0, 0
    strides = byte_strides(view)
    return address_of(view), strides[0], strides[2], strides[3]
