"""Patches and Unpatch: im2col as a value, and its adjoint.

Source
    Caffe ``im2col_cpu``, ``col2im_cpu``.
"""

from __future__ import annotations

from runtime import ops
from runtime.plan import Step, View
from runtime.portable.site import Site, Work, kernel_file, portable
from runtime.vector.kernel import Kernel, Word, address_of, byte_strides


@portable(ops.Patches)
def patches(step: Step, site: Site) -> Work:
    """The work of ``ops.Patches``."""
    x = step.reads[0]
    return _work(kernel_file("patches", SCALAR=x.dtype, LANES=site.lanes(x.dtype)), step, site, x.shape[1])


@portable(ops.Unpatch)
def unpatch(step: Step, site: Site) -> Work:
    """The work of ``ops.Unpatch``."""
    y = step.writes[0]
    assert y is not None
    return _work(kernel_file("unpatch", SCALAR=y.dtype), step, site, y.shape[1])


def _work(kernel: Kernel, step: Step, site: Site, channels: int) -> Work:
    op, x, y = step.op, step.reads[0], step.writes[0]
    assert isinstance(op, ops.Patches | ops.Unpatch)
    assert y is not None
    n, _, height, width = y.shape
    rows_a_chunk = site.chunk(n * height, width * op.kernel[0] * op.kernel[1] * (4 + channels))
    words: tuple[Word, ...] = (
        *_words(x), *_words(y), channels, *x.shape[2:], height, width, n * height, rows_a_chunk,
        *op.kernel, *op.stride, *op.pad, *op.dilation,
    )  # fmt: skip
    return Work(kernel, words, -(-n * height // rows_a_chunk))


def _words(view: View) -> tuple[Word, ...]:
    """Address, strides (bytes) of image, channel, row and pixel."""
    image, channel, row, pixel = byte_strides(view)
    return address_of(view), image, view.item_bytes if view.shape[1] == 1 else channel, row, pixel
