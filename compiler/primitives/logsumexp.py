"""logsumexp: the logarithm of a sum of exponentials."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

from compiler.primitives.registry import Rule, Typed, register
from compiler.primitives.shapes import require_axis, require_operands
from runtime import ops
from runtime.expr import arg, call

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Op, Value


@register(ops.LogSumExp)
class LogSumExpRule(Rule):
    """y = log sum exp x along an axis; dx = dy exp(x - y), the softmax."""

    def infer(self, prim: ops.LogSumExp, *inputs: Value) -> list[Typed]:
        """Shape of x with the axis of size 1."""
        require_operands("logsumexp", inputs, 1)
        (x,) = inputs
        require_axis("logsumexp", prim.axis, x.rank)
        return [(tuple(1 if a == prim.axis else n for a, n in enumerate(x.shape)), x.dtype)]

    def grad(self, b: Builder, op: Op, *dys: Value | None) -> list[Value | None]:
        """One map that reads x and y."""
        (x,), (y,), (dy,) = op.inputs, op.outputs, dys
        if dy is None:
            return [None]
        softmax = call("exp", call("sub", arg(1), arg(2)))
        return [b.emit1(ops.Map((call("mul", arg(0), softmax),), x.shape), dy, x, y)]

    def flops(self, op: Op) -> int:
        """Compare, subtract, exp, add: 4 an element; log, add a result."""
        return 4 * prod(op.inputs[0].shape) + 2 * prod(op.outputs[0].shape)
