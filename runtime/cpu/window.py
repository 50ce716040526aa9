"""Sums over a window of channels (LRN across channels), vectors over channels.

Summed anew for each channel: a running sum would carry a NaN, and its rounding,
to every channel behind it.

Source
    Caffe ``LRNLayer``.
"""

from __future__ import annotations

from runtime import ops
from runtime.cpu.launch import Context, Launch, kernel_file, launcher
from runtime.cpu.pack import called, rows_of_chunk
from runtime.plan import Step, View
from runtime.vector.kernel import Word, address_of, byte_strides


@launcher(ops.Window)
def window(step: Step, ctx: Context) -> list[Launch]:
    """Launches of ``ops.Window``.

    Raises
    ------
    NotImplementedError
        For more than four axes.
    """
    op, x, y = step.op, step.reads[0], step.writes[0]
    assert isinstance(op, ops.Window)
    assert y is not None
    if len(y.shape) > 4:
        raise NotImplementedError(f"window sums over {len(y.shape)} axes: at most four")
    n, c, height, width = (*y.shape, 1, 1)[:4]
    lanes = ctx.lanes(y.dtype)
    rows_a_chunk = rows_of_chunk(n * height, width * -(-c // lanes) * (3 + op.size))
    tail = ctx.tail(step)
    words: tuple[Word, ...] = (
        *_words(x), *_words(y), c, op.size // 2, height, width, n * height, rows_a_chunk,
        *called(tail.inside),
    )  # fmt: skip
    kernel = kernel_file("window", SCALAR=y.dtype, LANES=lanes)
    return [Launch(kernel, words, -(-n * height // rows_a_chunk), step.barrier), *tail.after]


def _words(view: View) -> tuple[Word, ...]:
    """Address, strides (bytes) of image, row, pixel and channel; missing axes have none."""
    strides = (*byte_strides(view), 0, 0)[:4]
    channel = view.item_bytes if view.shape[1] == 1 else strides[1]
    return address_of(view), strides[0], strides[2], strides[3], channel
