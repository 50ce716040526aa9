"""window: sum over neighbouring channels."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

from compiler.primitives.registry import Rule, Typed, register
from compiler.primitives.shapes import require, require_operands, written
from runtime import ops

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Op, Value


@register(ops.Window)
class WindowRule(Rule):
    """y[c] = sum of x[c - size // 2 .. c + size // 2]; symmetric, so its gradient is itself."""

    def infer(self, prim: ops.Window, *inputs: Value) -> list[Typed]:
        """As x, which has two axes or more."""
        require_operands("window", inputs, 1)
        (x,) = inputs
        require(x.rank >= 2, "window", f"input {written(x.shape)}", "2 axes or more")
        require(prim.size >= 1 and prim.size % 2 == 1, "window", f"size {prim.size}", "an odd size")
        return [(x.shape, x.dtype)]

    def grad(self, b: Builder, op: Op, *dys: Value | None) -> list[Value | None]:
        """The same window over dy."""
        (dy,) = dys
        return [None if dy is None else b.emit1(op.prim, dy)]

    def flops(self, op: Op) -> int:
        """One an element of each window."""
        assert isinstance(op.prim, ops.Window)
        return prod(op.outputs[0].shape) * op.prim.size
