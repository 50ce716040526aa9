"""Depthwise convolution and its gradients on a GPU: a thread computes a vector of channels.

There is nothing to share between channels, so these are no products of
matrices: they are as fast as memory. A thread makes a few pixels of a row, so
that what it loads serves several taps.

Source
    Caffe ``ConvolutionLayer`` with ``group`` equal to the channels; Howard et
    al. 2017, "MobileNets".
"""

from __future__ import annotations

from math import gcd, prod

from runtime import ops
from runtime.cpu.phases import Phase, phases
from runtime.cuda.emit_depthwise import BLOCK, PIXELS, Window, convolve, differentiate
from runtime.cuda.epilogue import fused
from runtime.cuda.finish import Finish, Grid, Part, Partials
from runtime.cuda.gemm import left_over
from runtime.cuda.launch import ACCESS_BYTES, Context, Launch, blocks_for
from runtime.cuda.pack import copied, dense
from runtime.cuda.tiling import PROCESSORS
from runtime.ops import Shape
from runtime.plan import Step, View
from runtime.vector.kernel import Address, address_of, byte_strides
from runtime.ways import Convolution

BLOCKS = 4 * PROCESSORS
"""Blocks that a weight gradient is cut into, about."""

MOST_PARTS = 64
"""Ranges of rows that are summed up apart, at most."""

ORIGIN = (0, 0, 0, 0)


def applies(op: Convolution, weights: Shape) -> bool:
    """Whether a convolution with these weights, K x C/groups x R x S, has one channel in and out a group."""
    return op.groups > 1 and weights[1] == 1 and weights[0] == op.groups


def forward(op: ops.Conv, x: View, w: View, y: View, step: Step, context: Context) -> list[Launch]:
    """Launches of ``ops.Conv``."""
    xs, (r, s) = byte_strides(x), w.shape[2:]
    weights, before = _packed(w, (r, s), (w.strides[2], w.strides[3]), 0, step, context)
    start = Address(x.memory, x.offset - op.pad[0] * xs[2] - op.pad[1] * xs[3])
    window = Window(
        start, (xs[0], op.stride[0] * xs[2], xs[3], xs[1]), (-op.pad[0], -op.pad[1]), op.stride,
        (r, s), op.dilation, op.dilation[0] * xs[2], (x.shape[2], x.shape[3]),
    )  # fmt: skip
    images, channels, height, width = y.shape
    grid = Grid((Part(images, 0), Part(height, 2), Part(width, 3)), (Part(channels, 1),), ORIGIN)
    return [*before, _convolution(window, weights, grid, y, step, context), *left_over(step, y, context)]


def input_grad(op: ops.ConvInputGrad, dy: View, w: View, dx: View, step: Step, context: Context) -> list[Launch]:
    """Launches of ``ops.ConvInputGrad``: a convolution of dy for each phase of the stride (``conv_input_grad``)."""
    found = []
    for down in phases(dx.shape[2], w.shape[2], op.stride[0], op.pad[0], op.dilation[0]):
        for across in phases(dx.shape[3], w.shape[3], op.stride[1], op.pad[1], op.dilation[1]):
            found += _phase(op, dy, w, dx, (down, across), step, context)
    return found + left_over(step, dx, context)


def _phase(
    op: ops.ConvInputGrad, dy: View, w: View, dx: View, which: tuple[Phase, Phase], step: Step, context: Context
) -> list[Launch]:
    down, across = which
    ys, ws, taps = byte_strides(dy), w.strides, (down.taps, across.taps)
    steps = (-down.tap_step * ws[2], -across.tap_step * ws[3])
    weights, before = _packed(w, taps, steps, down.tap * ws[2] + across.tap * ws[3], step, context)
    start = Address(dy.memory, dy.offset + down.source * ys[2] + across.source * ys[3])
    window = Window(
        start, (ys[0], ys[2], ys[3], ys[1]), (down.source, across.source), (1, 1),
        taps, (down.source_step, across.source_step), down.source_step * ys[2], (dy.shape[2], dy.shape[3]),
    )  # fmt: skip
    rows = (Part(dx.shape[0], 0), Part(down.count, 2, op.stride[0]), Part(across.count, 3, op.stride[1]))
    grid = Grid(rows, (Part(dx.shape[1], 1),), (0, 0, down.start, across.start))
    return [*before, _convolution(window, weights, grid, dx, step, context)]


def _packed(
    w: View, taps: tuple[int, int], strides: tuple[int, int], first: int, step: Step, context: Context
) -> tuple[View, list[Launch]]:
    """Weights as (r, s, channel), side by side along channels."""
    shape = (*taps, w.shape[0])
    source = View(w.memory, w.offset + first * w.item_bytes, shape, (*strides, w.strides[0]), w.dtype)
    if 0 in shape:
        return source, []
    return copied(source, dense(shape), prod(shape), step, context)


def _convolution(window: Window, weights: View, grid: Grid, y: View, step: Step, context: Context) -> Launch:
    stored, reads, _ = fused(step, y)
    finish = Finish(grid, y.shape, stored, reads)
    lanes = finish.lanes(context.lanes(y.dtype)) if window.strides[3] == y.item_bytes else 1
    whole = gcd(window.start.offset, *window.strides[:3], window.tap_row)
    lanes = gcd(lanes, whole // y.item_bytes)
    source, units = convolve(window, address_of(weights), finish, grid, y.dtype, lanes)
    slots = BLOCK * PIXELS * ACCESS_BYTES
    return Launch(source.kernel("depthwise"), tuple(source.words), blocks_for(units, BLOCK), BLOCK, slots)


def weight_grad(op: ops.ConvWeightGrad, x: View, dy: View, dw: View, step: Step, context: Context) -> list[Launch]:
    """Launches of ``ops.ConvWeightGrad``: sums over ranges of rows, then their sum in order."""
    xs, ys = byte_strides(x), byte_strides(dy)
    images, channels, height, _ = dy.shape
    r, s = op.kernel
    lanes = gcd(context.lanes(dw.dtype), channels)
    if xs[1] != x.item_bytes or ys[1] != x.item_bytes:
        lanes = 1
    lanes = gcd(lanes, *(v // x.item_bytes for v in (x.offset, dy.offset, xs[0], xs[2], xs[3], ys[0], ys[2], ys[3])))
    across = 1 << min(5, (channels // lanes - 1).bit_length())
    groups, rows = -(-channels // (lanes * across)), images * height
    parts = max(1, min(MOST_PARTS, -(-rows * across // BLOCK), BLOCKS // (groups * r)))
    grid = Grid((), (Part(r, 2), Part(s, 3), Part(channels, 0)), ORIGIN)
    partials = Partials.of(grid, parts, dw.dtype, context)
    source = differentiate(op, x, dy, partials, lanes, across)
    product = Launch(
        source.kernel("depthwise_grad"), tuple(source.words), (groups, parts, r), BLOCK, s * BLOCK * ACCESS_BYTES
    )
    stored, reads, _ = fused(step, dw)
    return [product, partials.merge(dw.shape, stored, reads, context), *left_over(step, dw, context)]
