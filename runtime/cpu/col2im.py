"""The input gradient by a matrix product and col2im: what each output pixel gives to its window, then the sums.

The plain way of the courses, backward. Where the map has few channels it is
the fast one too: the columns of the product are channels times taps, which
fill vectors that the channels alone would leave empty.

Source
    Chellapilla, Puri and Simard 2006, "High performance convolutional neural
    networks for document processing"; Caffe ``col2im``.
"""

from __future__ import annotations

from dataclasses import replace
from math import prod

from runtime import ops
from runtime.cpu.launch import Context, Launch, launcher
from runtime.cpu.matmul import Matrix, Product
from runtime.cpu.pack import copy
from runtime.cpu.portable import CpuSite
from runtime.plan import Step, View
from runtime.portable.patches import unpatch
from runtime.vector.kernel import Address, address_of, byte_strides
from runtime.ways import IM2COL


@launcher(ops.ConvInputGrad, IM2COL)
def conv_input_grad(step: Step, ctx: Context) -> list[Launch]:
    """Launches of ``ops.ConvInputGrad``: products with the weights as they lie, then the windows added up."""
    op, (dy, w), dx = step.op, step.reads, step.writes[0]
    assert isinstance(op, ops.ConvInputGrad)
    assert dx is not None
    item, groups, (n, k, ho, wo) = dx.item_bytes, op.groups, dy.shape
    size, depth = prod(w.shape[1:]), k // groups
    at, pixel, first = _rows(dy, step, ctx)
    columns = ctx.scratch(n * ho * wo * groups * size * item)
    products: list[Launch] = []
    for g in range(groups):
        gradient = Matrix(_behind(at, g * depth * item), pixel, item)
        weights = Matrix(_behind(address_of(w), g * depth * size * item), size * item, item)
        result = Matrix(_behind(columns, g * size * item), groups * size * item, item)
        product = Product(dx.dtype, n * ho * wo, size, depth, gradient, weights, result)
        products += product.launches(ctx, step.barrier or bool(first) if g == 0 else False)
    row = groups * size
    windows = View(columns.memory, columns.offset, (n, row, ho, wo), (ho * wo * row, 1, wo * row, row), dx.dtype)
    fold = ops.Unpatch(w.shape[2:], op.stride, op.pad, op.dilation, dx.shape[2:])  # type: ignore[arg-type]
    work = unpatch(replace(step, op=fold, reads=(windows,)), CpuSite(ctx))
    return [*first, *products, Launch(work.kernel, work.words, work.chunks, True), *ctx.tail(step).apart]


def _rows(dy: View, step: Step, ctx: Context) -> tuple[Address, int, list[Launch]]:
    """Dy as rows of channels one behind another: address, bytes a row, and the copy if it lies otherwise."""
    n, k, ho, wo = dy.shape
    image, channel, row, pixel = byte_strides(dy)
    if (n == 1 or image == ho * row) and (ho == 1 or row == wo * pixel) and (k == 1 or channel == dy.item_bytes):
        return address_of(dy), pixel, []
    to, dense = ctx.scratch(dy.count * dy.item_bytes), k * dy.item_bytes
    target = (ho * wo * dense, wo * dense, dense, dy.item_bytes)
    source = (image, row, pixel, channel)
    launch = copy(ctx, dy.dtype, address_of(dy), source, to, target, (n, ho, wo, k), step.barrier)
    return to, dense, [launch]


def _behind(at: Address, size: int) -> Address:
    return replace(at, offset=at.offset + size)
