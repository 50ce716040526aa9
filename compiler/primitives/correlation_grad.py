"""correlation_grad: the gradient of ``correlation`` for either map."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

from compiler.primitives.correlation import backward, check
from compiler.primitives.registry import Rule, Typed, register
from compiler.primitives.shapes import require, require_operands, require_rank, written
from runtime.ops_space import Correlation, CorrelationGrad

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Op, Value


def _forward(prim: CorrelationGrad, dy: Value) -> Correlation:
    size = dy.shape[2], dy.shape[3]
    return Correlation(prim.mode, prim.stride, prim.start, prim.first, prim.step, prim.count, size)


@register(CorrelationGrad)
class CorrelationGradRule(Rule):
    """da of ``correlation`` gathers dy b, db gathers dy a: linear in both, hence closed where it multiplies."""

    def infer(self, prim: CorrelationGrad, *inputs: Value) -> list[Typed]:
        """N x P Q x Ho x Wo and N x C x H x W (twice where it subtracts) -> N x C x H x W."""
        kind = "correlation_grad"
        check(prim)
        require(prim.side in ("a", "b"), kind, prim.side, "a or b")
        require_operands(kind, inputs, 2 if prim.mode == "multiply" else 3)
        dy, other = inputs[:2]
        require_rank(kind, "dy", dy, 4)
        require_rank(kind, "other", other, 4)
        expected = (other.shape[0], prod(prim.count))
        require(dy.shape[:2] == expected, kind, f"dy {written(dy.shape)}", f"{written(expected)} x ..")
        for own in inputs[2:]:
            require(own.shape == other.shape, kind, f"own {written(own.shape)}", written(other.shape))
        return [(other.shape, other.dtype)]

    def grad(self, b: Builder, op: Op, *dys: Value | None) -> list[Value | None]:
        """Of dy the correlation again, of the other side its gradient; steps of signs have none of their own."""
        prim, (g,) = op.prim, dys
        assert isinstance(prim, CorrelationGrad)
        dy, other = op.inputs[:2]
        if g is None:
            return [None] * len(op.inputs)
        if prim.mode == "subtract":
            raise NotImplementedError("correlation of differences: no second derivative; its first one is a sign")
        pair, back = ((g, other), "b") if prim.side == "a" else ((other, g), "a")
        return [b.emit1(_forward(prim, dy), *pair), b.emit1(backward(back, prim), dy, g)]

    def flops(self, op: Op) -> int:
        """As ``correlation``."""
        return 2 * prod(op.inputs[0].shape) * op.inputs[1].shape[1]
