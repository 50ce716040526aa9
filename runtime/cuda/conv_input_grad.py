"""The input gradient of a convolution on a GPU: a gather, one product for each phase of the stride.

dx[h] takes dy[(h + pad - r dilation) / stride] where that is whole. Positions
stride apart have the same taps: they are a *phase*, a convolution of dy by those
taps with stride 1. A product for each phase multiplies by no zeros; a test for
"is it whole" in one product for all would, stride x stride times as many.

Source
    Dumoulin and Visin 2016, "A guide to convolution arithmetic for deep learning".
"""

from __future__ import annotations

from typing import cast

from runtime import ops
from runtime.cpu.phases import Phase, phases
from runtime.cuda import depthwise
from runtime.cuda.conv import packed
from runtime.cuda.finish import Grid, Part
from runtime.cuda.gemm import Product, left_over
from runtime.cuda.launch import Context, Launch, launcher
from runtime.cuda.operands import Axis, Operand, plain, walk
from runtime.plan import Step, View
from runtime.vector.kernel import Address, address_of, byte_strides
from runtime.ways import is_flat


@launcher(ops.ConvInputGrad)
def conv_input_grad(step: Step, context: Context) -> list[Launch]:
    """Launches of ``ops.ConvInputGrad``."""
    op, (dy, w), dx = cast(ops.ConvInputGrad, step.op), step.reads, step.writes[0]
    assert dx is not None
    if 0 in dx.shape:
        return []
    if depthwise.applies(op, w.shape):
        return depthwise.input_grad(op, dy, w, dx, step, context)
    if is_flat(op, dx.shape, w.shape[2:]):
        return connected(dy, w, dx).finished(step, dx, context)
    found = [
        phase(op, dy, w, dx, (down, across), step, context)
        for down in phases(dx.shape[2], w.shape[2], op.stride[0], op.pad[0], op.dilation[0])
        for across in phases(dx.shape[3], w.shape[3], op.stride[1], op.pad[1], op.dilation[1])
    ]
    if len(found) == 1:
        product, before = found[0]
        return [*before, *product.finished(step, dx, context)]
    launches = [launch for product, before in found for launch in (*before, *product.launches(step, dx, context))]
    return launches + left_over(step, dx, context)


def connected(dy: View, w: View, dx: View) -> Product:
    """Of a fully connected layer: dx[n, j] = sum over k of dy[n, k] w[k, j], j in the weights' order."""
    n, channels, height, width = dx.shape
    k, size = w.shape[0], channels * height * width
    ys = byte_strides(dy)
    a = Operand(address_of(dy), plain(n, ys[0]), plain(k, ys[1]))
    b = Operand(address_of(w), plain(size, w.item_bytes), plain(k, byte_strides(w)[0]))
    columns = (Part(channels, 1), Part(height, 2), Part(width, 3))
    return Product(dx.dtype, (n, size, k), a, b, Grid((Part(n, 0),), columns, (0, 0, 0, 0)))


def phase(
    op: ops.ConvInputGrad, dy: View, w: View, dx: View, which: tuple[Phase, Phase], step: Step, context: Context
) -> tuple[Product, list[Launch]]:
    """The product that makes one phase of dx, and the launches that put its weights in order."""
    down, across = which
    images, groups = dx.shape[0], op.groups
    each, channels = w.shape[0] // groups, w.shape[1]
    ys, taps = byte_strides(dy), (down.taps, across.taps, each)
    over = (images, down.count, across.count), (ys[0], ys[2], ys[3])
    within = taps, (down.source_step * ys[2], across.source_step * ys[3], ys[1])
    start = Address(dy.memory, dy.offset + down.source * ys[2] + across.source * ys[3])
    border = (
        None if all(_inside(p, n) for p, n in zip(which, dy.shape[2:], strict=True)) else (dy.shape[2], dy.shape[3])
    )
    if border is None:
        outer, inner = walk(*over), walk(*within)
    else:
        outer = Axis(*over, "pixels", (down.source, across.source), (1, 1))
        inner = Axis(*within, "taps", (0, 0), (down.source_step, across.source_step))
    a = Operand(start, outer, inner, (0, each * ys[1]), border)
    b, before = _weights(w, groups, which, step, context)
    rows = (Part(images, 0), Part(down.count, 2, op.stride[0]), Part(across.count, 3, op.stride[1]))
    grid = Grid((Part(groups, 1, channels), *rows), (Part(channels, 1),), (0, 0, down.start, across.start))
    size = (images * down.count * across.count, channels, down.taps * across.taps * each)
    return Product(dx.dtype, size, a, b, grid, (1, groups)), before


def _inside(phase: Phase, size: int) -> bool:
    """Whether all that the phase's taps meet along an axis lies in dy."""
    return phase.source >= 0 and phase.source + phase.count - 1 + max(0, phase.taps - 1) * phase.source_step < size


def _weights(
    w: View, groups: int, which: tuple[Phase, Phase], step: Step, context: Context
) -> tuple[Operand, list[Launch]]:
    """Weights of a phase by input channel and (tap, output channel); of a window of one pixel as they are."""
    down, across = which
    outputs, channels, r, s = w.shape
    each, ws = outputs // groups, byte_strides(w)
    if r * s == 1 or down.taps * across.taps == 0:
        inner = plain(each * down.taps * across.taps, ws[0])
        return Operand(address_of(w), plain(channels, ws[1]), inner, (0, each * ws[0])), []
    shape = (groups, down.taps, across.taps, each, channels)
    rows, columns = w.strides[2], w.strides[3]
    strides = (each * w.strides[0], -down.tap_step * rows, -across.tap_step * columns, w.strides[0], w.strides[1])
    return packed(w, shape, strides, down.tap * rows + across.tap * columns, step, context)
