"""reshape: the same elements in another shape."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

from compiler.primitives.registry import Movement, Typed, register
from compiler.primitives.shapes import require, written
from runtime import ops

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Op, Value


@register(ops.Reshape)
class ReshapeRule(Movement):
    """y = x in another shape, row-major; dx = dy in x's shape."""

    def infer(self, prim: ops.Reshape, *inputs: Value) -> list[Typed]:
        """``prim.shape``, with as many elements as x."""
        require(len(inputs) == 1, "reshape", f"{len(inputs)} operands", "1")
        (x,) = inputs
        got = f"{written(x.shape)} to {written(prim.shape)}"
        ok = min(prim.shape, default=0) >= 0 and prod(prim.shape) == prod(x.shape)
        require(ok, "reshape", got, f"{prod(x.shape)} elements")
        return [(prim.shape, x.dtype)]

    def grad(self, b: Builder, op: Op, *dys: Value | None) -> list[Value | None]:
        """``reshape`` back."""
        (x,), (dy,) = op.inputs, dys
        return [None if dy is None else dy if dy.shape == x.shape else b.emit1(ops.Reshape(x.shape), dy)]
