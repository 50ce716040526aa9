"""moments: mean and biased variance."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

from compiler.primitives.elementwise import emit_summed
from compiler.primitives.registry import Rule, Typed, register
from compiler.primitives.shapes import require, require_axis, require_operands
from runtime import ops
from runtime.expr import arg, call, const

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Op, Value


@register(ops.Moments)
class MomentsRule(Rule):
    """m = mean x, v = mean (x - m)^2; dx = dm / count + dv 2 (x - m) / count."""

    def infer(self, prim: ops.Moments, *inputs: Value) -> list[Typed]:
        """Twice x's shape with the reduced axes of size 1."""
        require_operands("moments", inputs, 1)
        (x,) = inputs
        require(list(prim.axes) == sorted(set(prim.axes)), "moments", f"axes {prim.axes}", "sorted, each once")
        for axis in prim.axes:
            require_axis("moments", axis, x.rank)
        shape = tuple(1 if a in prim.axes else n for a, n in enumerate(x.shape))
        return [(shape, x.dtype)] * 2

    def grad(self, b: Builder, op: Op, *dys: Value | None) -> list[Value | None]:
        """One map that reads the mean."""
        prim = op.prim
        assert isinstance(prim, ops.Moments)
        x, (mean, _), (dm, dv) = op.inputs[0], op.outputs, dys
        scale = 1.0 / max(1, prod(x.shape[a] for a in prim.axes))
        parts = []
        if dv is not None:
            parts.append(call("mul", call("mul", arg(0), const(2.0 * scale)), call("sub", arg(1), arg(2))))
        if dm is not None:
            parts.append(call("mul", arg(3), const(scale)))
        if not parts:
            return [None]
        formula = call("add", *parts) if len(parts) == 2 else parts[0]
        pool = [dv or mean, x, mean, dm or mean]
        return [emit_summed(b, formula, x.shape, pool, x.shape)]

    def flops(self, op: Op) -> int:
        """Add; subtract, multiply, add: 4 an element."""
        return 4 * prod(op.inputs[0].shape)
