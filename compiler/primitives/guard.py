"""guard: stops the walk where a number is not finite."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

from compiler.primitives.registry import Rule, Typed, register
from compiler.primitives.shapes import require, require_operands, written
from runtime import ops

if TYPE_CHECKING:
    from compiler.ir import Op, Value


@register(ops.Guard)
class GuardRule(Rule):
    """No result, so no gradient is ever asked for."""

    no_gradient = "it has no result"

    def infer(self, prim: ops.Guard, *inputs: Value) -> list[Typed]:
        """One number -> nothing."""
        require_operands("guard", inputs, 1)
        require(prod(inputs[0].shape) == 1, "guard", written(inputs[0].shape), "one number")
        return []

    def flops(self, op: Op) -> int:
        """One comparison."""
        return 1
