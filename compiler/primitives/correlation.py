"""correlation: pixels of a map with those around them of another."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

from compiler.primitives.registry import Rule, Typed, register
from compiler.primitives.shapes import require, require_operands, require_rank, written
from runtime.ops_space import Correlation, CorrelationGrad

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Op, Value

MODES = ("multiply", "subtract")


def check(prim: Correlation | CorrelationGrad) -> None:
    """Raise unless mode, steps and counts make sense."""
    require(prim.mode in MODES, prim.kind, prim.mode, "multiply or subtract")
    require(prim.stride >= 1 and prim.step >= 1, prim.kind, f"stride {prim.stride}, step {prim.step}", "1 or more")
    require(min(prim.count) >= 1, prim.kind, f"count {prim.count}", "1 or more")


def backward(side: str, prim: Correlation | CorrelationGrad) -> CorrelationGrad:
    """The gradient for the map ``side``."""
    return CorrelationGrad(side, prim.mode, prim.stride, prim.start, prim.first, prim.step, prim.count)


@register(Correlation)
class CorrelationRule(Rule):
    """y = mean over c of a times (or minus) b displaced; each side's gradient by ``correlation_grad``."""

    def infer(self, prim: Correlation, *inputs: Value) -> list[Typed]:
        """Two of N x C x H x W -> N x P Q x size."""
        require_operands("correlation", inputs, 2)
        a, b = inputs
        require_rank("correlation", "a", a, 4)
        require(a.shape == b.shape, "correlation", f"{written(a.shape)} and {written(b.shape)}", "equal shapes")
        check(prim)
        require(min(prim.size) >= 1, "correlation", f"size {prim.size}", "1 or more")
        return [((a.shape[0], prod(prim.count), *prim.size), a.dtype)]

    def grad(self, b: Builder, op: Op, *dys: Value | None) -> list[Value | None]:
        """One primitive for each side."""
        prim, (left, right), (dy,) = op.prim, op.inputs, dys
        assert isinstance(prim, Correlation)
        if dy is None:
            return [None, None]
        own = ((), ()) if prim.mode == "multiply" else ((left,), (right,))
        return [
            b.emit1(backward("a", prim), dy, right, *own[0]),
            b.emit1(backward("b", prim), dy, left, *own[1]),
        ]

    def flops(self, op: Op) -> int:
        """2 a channel of each pair of pixels."""
        return 2 * prod(op.outputs[0].shape) * op.inputs[0].shape[1]
