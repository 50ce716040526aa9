"""Sums over a window of channels (LRN across channels) on a GPU: a thread sums for one element.

Summed anew for each channel: a running sum would carry a NaN, and its rounding,
to every channel behind it. Neighbours read the same lines, so that all but the
first load of an element come from the cache.

Source
    Caffe ``LRNLayer``.
"""

from __future__ import annotations

from runtime import ops
from runtime.cuda.launch import Context, Launch, blocks_for, launcher
from runtime.cuda.source import GpuSource
from runtime.plan import Step
from runtime.vector import nest
from runtime.vector.emit import Stream
from runtime.vector.nest import Cursors
from runtime.vector.streams import operand_stream

BLOCK = 256


@launcher(ops.Window)
def window_step(step: Step, context: Context) -> list[Launch]:
    """The launch of ``ops.Window``, with its epilogue."""
    op, x, y = step.op, step.reads[0], step.writes[0]
    assert isinstance(op, ops.Window)
    assert y is not None
    if y.count == 0:
        return context.tail(step)
    channel = Stream(0, tuple(int(axis == 1) for axis in range(len(y.shape))))
    streams = [operand_stream(y, y.shape), operand_stream(x, y.shape), channel]
    dims = nest.merge(nest.by_stride(nest.dims_of(y.shape, streams), 0)) or nest.padded([], 1, len(streams))
    source = GpuSource(y.dtype, 1)
    cursors = Cursors(source, nest.restride(streams, dims))
    group, count = nest.Group.of(source, dims), source.word(y.count)
    reach, step_bytes = min(op.size // 2, y.shape[1] - 1), source.word(streams[1].strides[1])
    load, splat = source.use("aligned_loader", x.dtype, y.dtype), source.use("splatter", y.dtype)
    source.line("unit = place()")
    with source.block(f"if unit < {count}:"):
        source.line(*(f"p{n} = {cursors.at(n, cursors.base(n), group, 'unit')}" for n in range(len(streams))))
        source.line(f"total = {splat}(0.0)")
        with source.block(f"for d in range({-reach}, {reach + 1}):"):
            with source.block(f"if (p2 + d >= 0) & (p2 + d < {source.word(y.shape[1])}):"):
                source.line(f"total = total + {load}(p1 + d * {step_bytes}, 0)")
        source.store(Stream(0, (), y.dtype), "p0", "total")
    launch = Launch(source.kernel("window"), tuple(source.words), blocks_for(y.count, BLOCK), BLOCK)
    return [launch, *context.tail(step)]
