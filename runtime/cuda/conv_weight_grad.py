"""The weight gradient of a convolution on a GPU: a product whose k runs over the pixels of all images.

Rows are output channels, columns (r, s, c). The result is small and k long, so
that k is split into parts for all multiprocessors to have work; their sums are
added up in order by a second launch, which also puts them into the weights'
order (``finish.Partials``).

Source
    Chetlur et al. 2014, "cuDNN: efficient primitives for deep learning"; Kerr et
    al. 2017, "CUTLASS" (split-K).
"""

from __future__ import annotations

from typing import cast

from runtime import ops
from runtime.cuda import depthwise
from runtime.cuda.conv import windows
from runtime.cuda.finish import Grid, Part
from runtime.cuda.gemm import Product
from runtime.cuda.launch import Context, Launch, launcher
from runtime.cuda.operands import Operand, plain, walk
from runtime.cuda.pack import row_major
from runtime.plan import Step, View
from runtime.vector.kernel import address_of, byte_strides
from runtime.ways import is_flat


@launcher(ops.ConvWeightGrad)
def conv_weight_grad(step: Step, context: Context) -> list[Launch]:
    """Launches of ``ops.ConvWeightGrad``."""
    op, (x, dy), dw = cast(ops.ConvWeightGrad, step.op), step.reads, step.writes[0]
    assert dw is not None
    if 0 in dw.shape:
        return []
    if depthwise.applies(op, dw.shape):
        return depthwise.weight_grad(op, x, dy, dw, step, context)
    flat = is_flat(op, x.shape, op.kernel)
    product, before = connected(x, dy, dw, step, context) if flat else (implicit(op, x, dy, dw), [])
    return [*before, *product.finished(step, dw, context)]


def connected(x: View, dy: View, dw: View, step: Step, context: Context) -> tuple[Product, list[Launch]]:
    """Of a fully connected layer: dw[k, j] = sum over the images of dy[n, k] x[n, j], j in the weights' order."""
    rows, before = row_major(x, step, context)
    k, channels, r, s = dw.shape
    n, size, ys = x.shape[0], channels * r * s, byte_strides(dy)
    a = Operand(address_of(dy), plain(k, ys[1]), plain(n, ys[0]))
    across = plain(size, byte_strides(x)[1] if rows is x else x.item_bytes)
    b = Operand(address_of(rows), across, plain(n, byte_strides(rows)[0]))
    grid = Grid((Part(k, 0),), (Part(channels, 1), Part(r, 2), Part(s, 3)), (0, 0, 0, 0))
    return Product(dw.dtype, (k, size, n), a, b, grid), before


def implicit(op: ops.ConvWeightGrad, x: View, dy: View, dw: View) -> Product:
    """Of a convolution with a window."""
    images, _, height, width = dy.shape
    outputs, channels, r, s = dw.shape
    groups, each = op.groups, outputs // op.groups
    ys, pixels = byte_strides(dy), (images, height, width)
    a = Operand(address_of(dy), plain(each, ys[1]), walk(pixels, (ys[0], ys[2], ys[3])), (0, each * ys[1]))
    b = windows(op, x, pixels, (r, s, channels), rows=False)
    grid = Grid((Part(groups, 0, each), Part(each, 0)), (Part(r, 2), Part(s, 3), Part(channels, 1)), (0, 0, 0, 0))
    size = (each, r * s * channels, images * height * width)
    return Product(dw.dtype, size, a, b, grid, (1, groups))
