"""top_k: the largest elements of each row and where they are."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

from compiler.primitives.gather import LARGEST
from compiler.primitives.registry import Rule, Typed, register
from compiler.primitives.shapes import require, require_operands, require_rank
from runtime import ops

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Op, Value


@register(ops.TopK)
class TopKRule(Rule):
    """(values, index) of the ``count`` largest of each row; dx by ``scatter_add`` of the values' gradient."""

    def infer(self, prim: ops.TopK, *inputs: Value) -> list[Typed]:
        """R x C -> R x count, twice."""
        require_operands("top_k", inputs, 1)
        (x,) = inputs
        require_rank("top_k", "input", x, 2)
        rows, columns = x.shape
        require(1 <= prim.count <= columns, "top_k", f"count {prim.count}", f"1 to {columns}")
        require(columns < LARGEST, "top_k", f"{columns} columns", "fewer than 2^31")
        return [((rows, prim.count), x.dtype), ((rows, prim.count), "i32")]

    def grad(self, b: Builder, op: Op, *dys: Value | None) -> list[Value | None]:
        """Each value's gradient goes to the element that it is."""
        (x,), (_, index), dy = op.inputs, op.outputs, dys[0]
        if dy is None:
            return [None]
        spread = b.emit1(ops.ScatterAdd(x.shape[1]), b.reshape(dy, (*dy.shape, 1)), index)
        return [b.reshape(spread, x.shape)]

    def flops(self, op: Op) -> int:
        """One comparison an element."""
        return prod(op.inputs[0].shape)
