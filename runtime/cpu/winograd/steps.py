"""Steps that Winograd's algorithm computes: their geometry, and who lowers them."""

from __future__ import annotations

from runtime import ops
from runtime.cpu.launch import Context, Launch, launcher
from runtime.cpu.winograd import strided
from runtime.cpu.winograd.conv import Winograd, launches
from runtime.plan import Step, View
from runtime.vector.kernel import Address, address_of, byte_strides
from runtime.ways import WINOGRAD_2, WINOGRAD_4
from runtime.winograd import TILE


def forward(op: ops.Conv, x: View, w: View, y: View, tile: int) -> Winograd:
    """The geometry of ``ops.Conv``."""
    k, channels = w.shape[0] // op.groups, w.shape[1]
    xs, ys, ws = byte_strides(x), byte_strides(y), byte_strides(w)
    start = Address(x.memory, x.offset - op.pad[0] * xs[2] - op.pad[1] * xs[3])
    return Winograd(
        x.dtype, start, (xs[0], xs[2], xs[3]), address_of(y), (ys[0], ys[2], ys[3]),
        (y.shape[0], y.shape[2], y.shape[3]), tile, w.shape[2], channels, op.groups, k,
        address_of(w), k * ws[0], ws[1], ws[0], flipped=False,
    )  # fmt: skip


def input_grad(op: ops.ConvInputGrad, dy: View, w: View, dx: View, tile: int) -> Winograd:
    """The geometry of ``ops.ConvInputGrad``: dy convolved with the taps turned round, channels and columns swapped."""
    k, channels, taps = w.shape[0] // op.groups, w.shape[1], w.shape[2]
    ys, xs, ws = byte_strides(dy), byte_strides(dx), byte_strides(w)
    lead = [taps - 1 - p for p in op.pad]
    start = Address(dy.memory, dy.offset - lead[0] * ys[2] - lead[1] * ys[3])
    return Winograd(
        dy.dtype, start, (ys[0], ys[2], ys[3]), address_of(dx), (xs[0], xs[2], xs[3]),
        (dx.shape[0], dx.shape[2], dx.shape[3]), tile, taps, k, op.groups, channels,
        address_of(w), k * ws[0], ws[0], ws[1], flipped=True,
    )  # fmt: skip


@launcher(ops.Conv, WINOGRAD_2)
@launcher(ops.Conv, WINOGRAD_4)
def conv(step: Step, ctx: Context) -> list[Launch]:
    """Launches of ``ops.Conv`` by Winograd's algorithm."""
    assert isinstance(step.op, ops.Conv)
    assert step.algorithm is not None
    x, w = step.reads
    y = step.writes[0]
    assert y is not None
    tile, tail = TILE[step.algorithm], ctx.tail(step)
    if step.op.stride != (1, 1):
        return strided.launches(step.op, x, w, y, tile, ctx, tail)
    return launches(forward(step.op, x, w, y, tile), ctx, tail)


@launcher(ops.ConvInputGrad, WINOGRAD_2)
@launcher(ops.ConvInputGrad, WINOGRAD_4)
def conv_input_grad(step: Step, ctx: Context) -> list[Launch]:
    """Launches of ``ops.ConvInputGrad`` by Winograd's algorithm."""
    assert isinstance(step.op, ops.ConvInputGrad)
    assert step.algorithm is not None
    dy, w = step.reads
    dx = step.writes[0]
    assert dx is not None
    return launches(input_grad(step.op, dy, w, dx, TILE[step.algorithm]), ctx, ctx.tail(step))
