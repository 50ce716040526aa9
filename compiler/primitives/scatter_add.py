"""scatter_add: rows added to the rows of a table, the gradient of ``gather``."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

from compiler.primitives.gather import LARGEST, check_rows
from compiler.primitives.registry import Rule, Typed, register
from compiler.primitives.shapes import require, require_floats
from runtime import ops

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Op, Value


@register(ops.ScatterAdd)
class ScatterAddRule(Rule):
    """x[v] = sum of y[m] where index[m] = v; dy by ``gather``."""

    def infer(self, prim: ops.ScatterAdd, *inputs: Value) -> list[Typed]:
        """M x D and M -> V x D; L x M x D and L x M -> L x V x D."""
        y, index = check_rows("scatter_add", inputs, "rows")
        require_floats("scatter_add", inputs[:1])
        require(y[:-1] == index, "scatter_add", f"{y[-2]} rows with {index[-1]} numbers", "one number a row")
        require(1 <= prim.size < LARGEST, "scatter_add", f"size {prim.size}", "1 to 2^31 - 1")
        return [((*y[:-2], prim.size, y[-1]), inputs[0].dtype)]

    def grad(self, b: Builder, op: Op, *dys: Value | None) -> list[Value | None]:
        """Each row's gradient is that of the row it went to; zeros where it went nowhere."""
        (_, index), (dx,) = op.inputs, dys
        return [None if dx is None else b.emit1(ops.Gather(), dx, index), None]

    def flops(self, op: Op) -> int:
        """One an element that is added."""
        return prod(op.inputs[0].shape)
