"""conv_input_grad: the transposed convolution."""

from __future__ import annotations

from typing import TYPE_CHECKING

from compiler.primitives.conv import check_conv, conv_flops, forward, plane, weight_grad
from compiler.primitives.registry import Rule, Typed, register
from compiler.primitives.shapes import require, require_operands, require_rank
from runtime import ops

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Op, Value


@register(ops.ConvInputGrad)
class ConvInputGradRule(Rule):
    """dx of ``conv``, linear in dy and w: their gradients are ``conv`` and ``conv_weight_grad``."""

    def infer(self, prim: ops.ConvInputGrad, *inputs: Value) -> list[Typed]:
        """N x K x Ho x Wo, K x C/g x R x S -> N x C x H x W with (H, W) = size."""
        require_operands("conv_input_grad", inputs, 2)
        dy, w = inputs
        require_rank("conv_input_grad", "dy", dy, 4)
        require_rank("conv_input_grad", "weights", w, 4)
        require(min(prim.size) >= 1, "conv_input_grad", f"size {prim.size}", "1 or more")
        shape = (dy.shape[0], w.shape[1] * prim.groups, *prim.size)
        check_conv(prim, shape, w.shape, dy.shape)
        return [(shape, dy.dtype)]

    def grad(self, b: Builder, op: Op, *dys: Value | None) -> list[Value | None]:
        """The convolution of the adjoint, and the weight gradient with the adjoint as input."""
        prim = op.prim
        assert isinstance(prim, ops.ConvInputGrad)
        (dy, w), (g,) = op.inputs, dys
        if g is None:
            return [None, None]
        return [forward(b, prim, g, w), weight_grad(b, prim, g, dy, plane(w))]

    def flops(self, op: Op) -> int:
        """As ``conv``."""
        return conv_flops(op.inputs[1].shape, op.inputs[0].shape)
