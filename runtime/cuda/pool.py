"""MAX (with the index of the largest) and AVE pooling on a GPU: a thread pools a vector of channels of one pixel.

Source
    Caffe ``PoolingLayer``.
"""

from __future__ import annotations

from runtime import ops
from runtime.cuda.launch import Context, Launch, blocks_for, kernel_file, launcher
from runtime.cuda.pixels import channel_lanes, map_words, unit_words
from runtime.plan import Step
from runtime.vector.kernel import Word

BLOCK = 256


@launcher(ops.Pool)
def pool_step(step: Step, context: Context) -> list[Launch]:
    """The launch of ``ops.Pool``, with its epilogue."""
    op, x, y = step.op, step.reads[0], step.writes[0]
    assert isinstance(op, ops.Pool)
    assert y is not None
    index = step.writes[1] if len(step.writes) > 1 else None
    lanes = channel_lanes([y, x, *([index] if index else [])], context.lanes(y.dtype))
    divisors, count = unit_words(y, lanes)
    maps = (*map_words(x), *map_words(y), *(map_words(index) if op.mode == "max" else ()))
    words: tuple[Word, ...] = (*divisors, count, *maps, *x.shape[2:], *op.stride, *op.pad)
    constants: dict[str, str | int] = {"SCALAR": y.dtype, "LANES": lanes}
    constants |= {"WINDOW_H": op.kernel[0], "WINDOW_W": op.kernel[1]}
    if op.mode == "max":
        constants["INDEX"] = index.dtype if index else "u8"
    kernel = kernel_file(f"pool_{op.mode}", **constants)
    launches = [Launch(kernel, words, blocks_for(count, BLOCK), BLOCK)] if count else []
    return [*launches, *context.tail(step)]
