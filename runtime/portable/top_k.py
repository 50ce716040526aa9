"""TopK on the CPU: a heap for each row."""

from __future__ import annotations

from runtime import ops
from runtime.cpu.launch import Context, Launch, ThreadStride, Word, address_of, byte_strides, kernel_file, launcher
from runtime.cpu.pack import rows_of_chunk
from runtime.plan import Step, View


@launcher(ops.TopK)
def top_k(step: Step, ctx: Context) -> list[Launch]:
    """The launch of ``ops.TopK``."""
    op, x = step.op, step.reads[0]
    assert isinstance(op, ops.TopK)
    rows, columns = x.shape
    depth = op.count.bit_length()
    a_chunk = rows_of_chunk(rows, columns + 8 * op.count * depth)
    place_bytes = -(-op.count * x.item_bytes // 64) * 64
    words: tuple[Word, ...] = (
        *_words(x), *_words(step.writes[0]), *_words(step.writes[1]), columns, op.count, rows, a_chunk,
        ctx.thread_scratch(place_bytes + 8 * op.count), ThreadStride(), place_bytes,
    )  # fmt: skip
    kernel = kernel_file("top_k", SCALAR=x.dtype, LANES=ctx.lanes(x.dtype))
    return [Launch(kernel, words, -(-rows // a_chunk), step.barrier)]


def _words(view: View | None) -> tuple[Word, ...]:
    """Address and strides (bytes) of rows and columns; zeros without a view."""
    return (0, 0, 0) if view is None else (address_of(view), *byte_strides(view))
