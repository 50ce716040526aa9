"""Patches and Unpatch on the CPU: im2col as a value, and its adjoint.

Source
    Caffe ``im2col_cpu``, ``col2im_cpu``.
"""

from __future__ import annotations

from runtime import ops
from runtime.cpu.launch import Context, Kernel, Launch, Word, address_of, byte_strides, kernel_file, launcher
from runtime.cpu.pack import rows_of_chunk
from runtime.plan import Step, View


@launcher(ops.Patches)
def patches(step: Step, ctx: Context) -> list[Launch]:
    """The launch of ``ops.Patches``."""
    x = step.reads[0]
    return _launch(kernel_file("patches", SCALAR=x.dtype, LANES=ctx.lanes(x.dtype)), step, x.shape[1])


@launcher(ops.Unpatch)
def unpatch(step: Step, ctx: Context) -> list[Launch]:
    """The launch of ``ops.Unpatch``."""
    y = step.writes[0]
    assert y is not None
    return _launch(kernel_file("unpatch", SCALAR=y.dtype), step, y.shape[1])


def _launch(kernel: Kernel, step: Step, channels: int) -> list[Launch]:
    op, x, y = step.op, step.reads[0], step.writes[0]
    assert isinstance(op, ops.Patches | ops.Unpatch)
    assert y is not None
    n, _, height, width = y.shape
    rows_a_chunk = rows_of_chunk(n * height, width * op.kernel[0] * op.kernel[1] * (4 + channels))
    words: tuple[Word, ...] = (
        *_words(x), *_words(y), channels, *x.shape[2:], height, width, n * height, rows_a_chunk,
        *op.kernel, *op.stride, *op.pad, *op.dilation,
    )  # fmt: skip
    return [Launch(kernel, words, -(-n * height // rows_a_chunk), step.barrier)]


def _words(view: View) -> tuple[Word, ...]:
    """Address, strides (bytes) of image, channel, row and pixel."""
    image, channel, row, pixel = byte_strides(view)
    return address_of(view), image, view.item_bytes if view.shape[1] == 1 else channel, row, pixel
