"""conv_weight_grad: the weight gradient of a convolution."""

from __future__ import annotations

from typing import TYPE_CHECKING

from compiler.primitives.conv import check_conv, conv_flops, forward, input_grad, plane
from compiler.primitives.registry import Rule, Typed, register
from compiler.primitives.shapes import require, require_operands, require_rank
from runtime import ops

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Op, Value


@register(ops.ConvWeightGrad)
class ConvWeightGradRule(Rule):
    """dw of ``conv``, linear in x and dy: their gradients are ``conv_input_grad`` and ``conv``."""

    def infer(self, prim: ops.ConvWeightGrad, *inputs: Value) -> list[Typed]:
        """N x C x H x W, N x K x Ho x Wo -> K x C/g x R x S with (R, S) = kernel."""
        kind = "conv_weight_grad"
        require_operands(kind, inputs, 2)
        x, dy = inputs
        require_rank(kind, "input", x, 4)
        require_rank(kind, "dy", dy, 4)
        require(min(prim.kernel) >= 1, kind, f"kernel {prim.kernel}", "1 or more")
        require(prim.groups >= 1, kind, f"{prim.groups} groups", "1 or more")
        shape = (dy.shape[1], x.shape[1] // prim.groups, *prim.kernel)
        check_conv(prim, x.shape, shape, dy.shape)
        return [(shape, x.dtype)]

    def grad(self, b: Builder, op: Op, *dys: Value | None) -> list[Value | None]:
        """The adjoint takes the place of the weights."""
        prim = op.prim
        assert isinstance(prim, ops.ConvWeightGrad)
        (x, dy), (g,) = op.inputs, dys
        if g is None:
            return [None, None]
        return [input_grad(b, prim, dy, g, plane(x)), forward(b, prim, x, g)]

    def flops(self, op: Op) -> int:
        """As ``conv``."""
        return conv_flops(op.outputs[0].shape, op.inputs[1].shape)
