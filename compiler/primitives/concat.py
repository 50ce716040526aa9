"""concat: arrays one after another."""

from __future__ import annotations

from typing import TYPE_CHECKING

from compiler.primitives.registry import Movement, Typed, register
from compiler.primitives.shapes import require, require_axis, written
from runtime import ops

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Op, Value


@register(ops.Concat)
class ConcatRule(Movement):
    """y = (a, b, ..) along an axis; da, db, .. are slices of dy."""

    def infer(self, prim: ops.Concat, *inputs: Value) -> list[Typed]:
        """Sizes along the axis are added, the others are equal."""
        require(len(inputs) >= 1, "concat", "no operands", "1 or more")
        first, axis = inputs[0], prim.axis
        require_axis("concat", axis, first.rank)
        for value in inputs:
            rest = (*value.shape[:axis], *value.shape[axis + 1 :])
            ok = value.rank == first.rank and rest == (*first.shape[:axis], *first.shape[axis + 1 :])
            got = f"{written(value.shape)} after {written(first.shape)}"
            require(ok, "concat", got, f"equal sizes but for axis {axis}")
            require(value.dtype == first.dtype, "concat", f"{value.dtype} after {first.dtype}", "one dtype")
        total = sum(v.shape[axis] for v in inputs)
        return [((*first.shape[:axis], total, *first.shape[axis + 1 :]), first.dtype)]

    def grad(self, b: Builder, op: Op, *dys: Value | None) -> list[Value | None]:
        """A slice for each operand."""
        prim, (dy,) = op.prim, dys
        assert isinstance(prim, ops.Concat)
        if dy is None:
            return [None] * len(op.inputs)
        grads: list[Value | None] = []
        start = 0
        for value in op.inputs:
            stop = start + value.shape[prim.axis]
            grads.append(dy if value.shape == dy.shape else b.emit1(ops.Slice(prim.axis, start, stop), dy))
            start = stop
        return grads
