"""Gradient of a convolution with respect to its input; the forward of Deconvolution.

With stride 1 a convolution of dy with the taps reversed. With stride s the
positions of dx fall into s_h x s_w phases, each a convolution with the taps
that reach it; positions no tap reaches are zero.

Source
    Dumoulin and Visin 2016, "A guide to convolution arithmetic"; Caffe
    ``DeconvolutionLayer``.
"""

from __future__ import annotations

from collections.abc import Callable

from runtime import ops
from runtime.cpu import depthwise, flat
from runtime.cpu.conv import Direct
from runtime.cpu.conv_images import Reach
from runtime.cpu.launch import Context, Launch, Tail, launcher
from runtime.cpu.pack import copy
from runtime.cpu.phases import Phase, phases
from runtime.plan import Step, View
from runtime.vector.kernel import Address, byte_strides
from runtime.ways import is_flat

Product = Callable[[Context, Address, Tail, bool], list[Launch]]
"""Makes the launches behind the packing of the weights; see ``Direct.product``."""


@launcher(ops.ConvInputGrad)
def conv_input_grad(step: Step, ctx: Context) -> list[Launch]:
    """Launches of ``ops.ConvInputGrad``."""
    return input_grad(step, ctx, lambda direct: direct.product)


def input_grad(step: Step, ctx: Context, way: Callable[[Direct], Product]) -> list[Launch]:
    """The launches where ``way`` makes the product of each pair of phases."""
    op = step.op
    assert isinstance(op, ops.ConvInputGrad)
    dy, w = step.reads
    dx = step.writes[0]
    assert dx is not None
    if is_flat(op, dx.shape, w.shape[2:]):
        return flat.input_grad(dy, w, dx, step, ctx)
    if depthwise.applies(op, w.shape, ctx.lanes(dx.dtype)):
        return depthwise.input_grad(op, dy, w, dx, step, ctx)
    axes = [phases(dx.shape[2 + a], w.shape[2 + a], op.stride[a], op.pad[a], op.dilation[a]) for a in (0, 1)]
    pairs = [(h, v) for h in axes[0] for v in axes[1]]
    # a lone pair that no tap reaches makes no product to run the epilogue in
    inside = len(pairs) == 1 and all(phase.taps for phase in pairs[0])
    tail = ctx.tail(step)
    first: list[Launch] = []
    products: list[Launch] = []
    for h, v in pairs:
        if h.taps == 0 or v.taps == 0:
            first.append(_zeros(ctx, dx, op.stride, h, v, step.barrier and not first))
            continue
        direct = _direct(op, dy, w, dx, h, v)
        packing = direct.packing(ctx)
        packed = ctx.packed(packing.source, packing.bytes)
        first.append(packing.launch(ctx, packed, step.barrier and not first))
        products += way(direct)(ctx, packed, tail if inside else Tail(), not products)
    return [*first, *products, *(() if inside else tail.apart)]


def input_grad_geometry(op: ops.ConvInputGrad, dy: View, w: View, dx: View) -> Direct:
    """The input gradient of a convolution with stride 1, as a convolution of dy."""
    h, v = (phases(dx.shape[2 + a], w.shape[2 + a], 1, op.pad[a], op.dilation[a])[0] for a in (0, 1))
    return _direct(op, dy, w, dx, h, v)


def _direct(op: ops.ConvInputGrad, dy: View, w: View, dx: View, h: Phase, v: Phase) -> Direct:
    ys, ws, xs = byte_strides(dy), byte_strides(w), byte_strides(dx)
    k, c = w.shape[0] // op.groups, w.shape[1]
    return Direct(
        dtype=dy.dtype, x=Address(dy.memory, dy.offset + h.source * ys[2] + v.source * ys[3]),
        x_image=ys[0], x_row=ys[2], x_pixel=ys[3], x_group=k * dy.item_bytes,
        tap_row=h.source_step * ys[2], tap_pixel=v.source_step * ys[3],
        y=Address(dx.memory, dx.offset + h.start * xs[2] + v.start * xs[3]),
        y_image=xs[0], y_row=op.stride[0] * xs[2], y_pixel=op.stride[1] * xs[3], y_group=c * dx.item_bytes,
        size=(dx.shape[0], h.count, v.count), taps=(h.taps, v.taps), channels=k, groups=op.groups, columns=c,
        w=Address(w.memory, w.offset + h.tap * ws[2] + v.tap * ws[3]), w_group=k * ws[0],
        w_row=-h.tap_step * ws[2], w_pixel=-v.tap_step * ws[3], w_channel=ws[0], w_column=ws[1],
        reach=Reach((h.source, v.source), (1, 1), (h.source_step, v.source_step), (dy.shape[2], dy.shape[3])),
    )  # fmt: skip


def _zeros(ctx: Context, dx: View, stride: ops.Pair, h: Phase, v: Phase, barrier: bool) -> Launch:
    """Clears the positions of a pair of phases that no tap reaches."""
    strides = byte_strides(dx)
    start = Address(dx.memory, dx.offset + h.start * strides[2] + v.start * strides[3])
    sizes = (dx.shape[0], h.count, v.count, dx.shape[1])
    target = (strides[0], stride[0] * strides[2], stride[1] * strides[3], dx.item_bytes)
    return copy(ctx, dx.dtype, 0, (0, 0, 0, 0), start, target, sizes, barrier)
