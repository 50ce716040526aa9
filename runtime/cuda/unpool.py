"""Gradients of pooling on a GPU, as a gather: a thread sums what the windows over one pixel hand it, in their order.

Source
    Caffe ``PoolingLayer`` (backward).
"""

from __future__ import annotations

from runtime import ops
from runtime.cuda.launch import Context, Launch, blocks_for, kernel_file, launcher
from runtime.cuda.pixels import channel_lanes, map_words, unit_words
from runtime.plan import Step
from runtime.vector.kernel import Word

BLOCK = 256


@launcher(ops.Unpool)
def unpool_step(step: Step, context: Context) -> list[Launch]:
    """The launch of ``ops.Unpool``, with its epilogue."""
    op, dx = step.op, step.writes[0]
    assert isinstance(op, ops.Unpool)
    assert dx is not None
    pooled = step.reads[0]
    lanes = channel_lanes([dx, *step.reads], context.lanes(dx.dtype))
    divisors, count = unit_words(dx, lanes)
    maps = [word for view in (*step.reads, dx) for word in map_words(view)]
    words: tuple[Word, ...] = (*divisors, count, *maps, *pooled.shape[2:], *op.pad)
    constants: dict[str, str | int] = {"SCALAR": dx.dtype, "LANES": lanes}
    for axis, name in enumerate("HW"):
        window, stride = op.kernel[axis], op.stride[axis]
        constants |= {f"WINDOW_{name}": window, f"STRIDE_{name}": stride}
        constants[f"COVER_{name}"] = min(-(-window // stride), pooled.shape[2 + axis])
    if op.mode == "max":
        constants["INDEX"] = step.reads[1].dtype
    else:
        words = (*words, *op.size)
    kernel = kernel_file(f"unpool_{op.mode}", **constants)
    launches = [Launch(kernel, words, blocks_for(count, BLOCK), BLOCK)] if count and pooled.count else []
    return [*launches, *context.tail(step)]
