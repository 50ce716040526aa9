"""Convolution on a GPU as one product, N H W C: implicit GEMM.

Rows are output pixels, columns output channels, k runs over the taps and the
channels of each. The map's border is a test in the loads: what lies outside is
0. Weights are put in the order (r, s, c, k) first, which costs little beside
the product.

Source
    Chetlur et al. 2014, "cuDNN: efficient primitives for deep learning"; Caffe
    ``ConvolutionLayer`` for the semantics.
"""

from __future__ import annotations

from typing import cast

from runtime import ops
from runtime.cuda import depthwise
from runtime.cuda.finish import Grid, Part
from runtime.cuda.gemm import Product
from runtime.cuda.launch import Context, Launch, launcher
from runtime.cuda.operands import Axis, Operand, plain, walk
from runtime.cuda.pack import row_major, weight_rows
from runtime.ops import Shape
from runtime.plan import Step, View
from runtime.vector.kernel import Address, address_of, byte_strides
from runtime.ways import is_flat


@launcher(ops.Conv)
def conv(step: Step, context: Context) -> list[Launch]:
    """Launches of ``ops.Conv``."""
    op, (x, w), y = cast(ops.Conv, step.op), step.reads, step.writes[0]
    assert y is not None
    if 0 in y.shape:
        return []
    if depthwise.applies(op, w.shape):
        return depthwise.forward(op, x, w, y, step, context)
    flat = is_flat(op, x.shape, w.shape[2:])
    product, before = connected(x, w, y, step, context) if flat else implicit(op, x, w, y, step, context)
    return [*before, *product.finished(step, y, context)]


def connected(x: View, w: View, y: View, step: Step, context: Context) -> tuple[Product, list[Launch]]:
    """A fully connected layer: y[n, k] = sum over the whole map of x[n, j] w[k, j], j in the weights' order."""
    rows, before = row_major(x, step, context)
    (n, k), size = y.shape[:2], w.shape[1] * w.shape[2] * w.shape[3]
    across = plain(size, (byte_strides(x)[1] if rows is x else x.item_bytes))
    a = Operand(address_of(rows), plain(n, byte_strides(rows)[0]), across)
    b = Operand(address_of(w), plain(k, byte_strides(w)[0]), plain(size, w.item_bytes))
    grid = Grid((Part(n, 0),), (Part(k, 1),), (0, 0, 0, 0))
    return Product(y.dtype, (n, k, size), a, b, grid), before


def implicit(op: ops.Conv, x: View, w: View, y: View, step: Step, context: Context) -> tuple[Product, list[Launch]]:
    """The product of a convolution with a window, and the launches that put its weights in order."""
    images, _, height, width = y.shape
    outputs, channels, r, s = w.shape
    groups, each = op.groups, outputs // op.groups
    a = windows(op, x, (images, height, width), (r, s, channels), rows=True)
    b, before = _weights(w, groups, step, context)
    outer = (Part(groups, 1, each), Part(images, 0), Part(height, 2), Part(width, 3))
    grid = Grid(outer, (Part(each, 1),), (0, 0, 0, 0))
    size = (images * height * width, each, r * s * channels)
    return Product(y.dtype, size, a, b, grid, (1, groups)), before


def windows(
    op: ops.Conv | ops.ConvWeightGrad, x: View, pixels: tuple[int, int, int], taps: tuple[int, int, int], rows: bool
) -> Operand:
    """The input of a convolution by output pixel (image, row, column) and tap (row, column, channel).

    Pixels are the outer index where they are ``rows``, else they are k.
    """
    xs = byte_strides(x)
    over = (xs[0], op.stride[0] * xs[2], op.stride[1] * xs[3])
    within = (op.dilation[0] * xs[2], op.dilation[1] * xs[3], xs[1])
    start = Address(x.memory, x.offset - op.pad[0] * xs[2] - op.pad[1] * xs[3])
    border = None if op.pad == (0, 0) else (x.shape[2], x.shape[3])
    if border is None:
        over_axis, within_axis = walk(pixels, over), walk(taps, within)
    else:
        over_axis = Axis(pixels, over, "pixels", (-op.pad[0], -op.pad[1]), op.stride)
        within_axis = Axis(taps, within, "taps", (0, 0), op.dilation)
    outer, inner = (over_axis, within_axis) if rows else (within_axis, over_axis)
    return Operand(start, outer, inner, (0, taps[2] * xs[1]), border)


def _weights(w: View, groups: int, step: Step, context: Context) -> tuple[Operand, list[Launch]]:
    """Weights by output channel and tap; of a window of one pixel as they are."""
    outputs, channels, r, s = w.shape
    each = outputs // groups
    if r * s == 1:
        ws = byte_strides(w)
        return Operand(address_of(w), plain(each, ws[0]), plain(channels, ws[1]), (0, each * ws[0])), []
    return packed(
        w,
        (groups, r, s, channels, each),
        (each * w.strides[0], *(w.strides[a] for a in (2, 3, 1, 0))),
        0,
        step,
        context,
    )


def packed(
    w: View, shape: Shape, strides: tuple[int, ...], first: int, step: Step, context: Context
) -> tuple[Operand, list[Launch]]:
    """Weights as (group, r, s, inner, outer), elements ``strides`` apart from element ``first`` on, copied."""
    source = View(w.memory, w.offset + first * w.item_bytes, shape, strides, w.dtype)
    rows, launches = weight_rows(source, step, context)
    to = byte_strides(rows)
    inner = shape[1] * shape[2] * shape[3]
    # a row's slack may be loaded with its last vector
    return Operand(
        address_of(rows), plain(to[3] // w.item_bytes, w.item_bytes), plain(inner, to[3]), (0, to[0])
    ), launches
