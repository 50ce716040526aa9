"""conv: convolution (cross-correlation) with stride, padding, dilation and groups."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

from compiler.primitives.registry import Rule, Typed, register
from compiler.primitives.shapes import require, require_geometry, require_operands, require_rank, slid, written
from runtime import ops
from runtime.ops import Pair, Shape

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Op, Value

ConvLike = ops.Conv | ops.ConvInputGrad | ops.ConvWeightGrad


def check_conv(prim: ConvLike, x: Shape, w: Shape, y: Shape | None = None) -> Shape:
    """The shape of ``conv(x, w)``; ValueError if the operands, or y, do not fit."""
    kind, groups = prim.kind, prim.groups
    require_geometry(kind, prim.stride, prim.pad, prim.dilation)
    (n, c, *size), (k, c_of_group, *kernel) = x, w
    require(groups >= 1 and c % groups == 0, kind, f"{c} input channels in {groups} groups", "a multiple")
    require(k % groups == 0, kind, f"{k} output channels in {groups} groups", "a multiple")
    require(c == c_of_group * groups, kind, f"{c} input channels", f"{c_of_group * groups} (weights {written(w)})")
    out = [slid(size[a], kernel[a], prim.stride[a], prim.pad[a], prim.dilation[a]) for a in (0, 1)]
    require(min(out) >= 1, kind, f"input {written(x)}", f"room for a kernel of {written(tuple(kernel))}")
    shape = (n, k, *out)
    require(y in (None, shape), kind, f"output {written(y or ())}", written(shape))
    return shape


def conv_flops(w: Shape, y: Shape) -> int:
    """2 for each product of ``conv``: N K Ho Wo C/groups R S; its gradients need as many."""
    return 2 * prod(y) * prod(w[1:])


def input_grad(b: Builder, prim: ConvLike, dy: Value, w: Value, size: Pair) -> Value:
    """``dx`` of the convolution with ``prim``'s geometry."""
    return b.emit1(ops.ConvInputGrad(prim.stride, prim.pad, prim.dilation, prim.groups, size), dy, w)


def weight_grad(b: Builder, prim: ConvLike, x: Value, dy: Value, kernel: Pair) -> Value:
    """``dw`` of the convolution with ``prim``'s geometry."""
    return b.emit1(ops.ConvWeightGrad(prim.stride, prim.pad, prim.dilation, prim.groups, kernel), x, dy)


def forward(b: Builder, prim: ConvLike, x: Value, w: Value) -> Value:
    """The convolution with ``prim``'s geometry."""
    return b.emit1(ops.Conv(prim.stride, prim.pad, prim.dilation, prim.groups), x, w)


def plane(x: Value) -> Pair:
    """Height and width."""
    return x.shape[2], x.shape[3]


@register(ops.Conv)
class ConvRule(Rule):
    """y = x * w; dx by ``conv_input_grad``, dw by ``conv_weight_grad``."""

    def infer(self, prim: ops.Conv, *inputs: Value) -> list[Typed]:
        """N x C x H x W, K x C/g x R x S -> N x K x Ho x Wo."""
        require_operands("conv", inputs, 2)
        x, w = inputs
        require_rank("conv", "input", x, 4)
        require_rank("conv", "weights", w, 4)
        return [(check_conv(prim, x.shape, w.shape), x.dtype)]

    def grad(self, b: Builder, op: Op, *dys: Value | None) -> list[Value | None]:
        """One primitive for each operand."""
        prim = op.prim
        assert isinstance(prim, ops.Conv)
        (x, w), (dy,) = op.inputs, dys
        if dy is None:
            return [None, None]
        return [input_grad(b, prim, dy, w, plane(x)), weight_grad(b, prim, x, dy, plane(w))]

    def flops(self, op: Op) -> int:
        """2 N K Ho Wo C/g R S."""
        return conv_flops(op.inputs[1].shape, op.outputs[0].shape)
