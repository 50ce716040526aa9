"""reduce: sum or max over axes, with a map in front."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import TYPE_CHECKING

from compiler.primitives import elementwise
from compiler.primitives.registry import Rule, Typed, register
from compiler.primitives.shapes import require, require_axis
from runtime import ops
from runtime.expr import Expr, arg, call, const, to_float
from runtime.ops import Shape

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Op, Value

EXACT_INDEX = 1 << 24
"""Indices below this are exact in float32."""


@register(ops.Reduce)
class ReduceRule(Rule):
    """y = sum (or max) of f(a[i], b[i], ..) over axes.

    Gradient: dy df/dx; of max, at the first largest element of each result.
    """

    def infer(self, prim: ops.Reduce, *inputs: Value) -> list[Typed]:
        """The shape with reduced axes of size 1; results are floating."""
        require(prim.op in ("sum", "max"), "reduce", prim.op, "sum or max")
        floating = elementwise.check("reduce", prim.results, prim.shape, inputs)
        require(list(prim.axes) == sorted(set(prim.axes)), "reduce", f"axes {prim.axes}", "sorted, each once")
        for axis in prim.axes:
            require_axis("reduce", axis, len(prim.shape))
        for result in prim.results:
            require(result.dtype == "float", "reduce", f"an expression of {result.dtype}", "a floating one")
        shape = tuple(1 if a in prim.axes else n for a, n in enumerate(prim.shape))
        return [(shape, floating)] * len(prim.results)

    def grad(self, b: Builder, op: Op, *dys: Value | None) -> list[Value | None]:
        """As a map's, with dy broadcast over the reduced axes."""
        prim = op.prim
        assert isinstance(prim, ops.Reduce)
        if prim.op == "sum":
            return elementwise.gradient(b, prim.results, prim.shape, op.inputs, dys, {})
        return _max_gradient(b, prim, op, dys)

    def flops(self, op: Op) -> int:
        """A map's, and one more for each element and result."""
        prim = op.prim
        assert isinstance(prim, ops.Reduce)
        return (elementwise.operations(prim.results) + len(prim.results)) * prod(prim.shape)


def _max_gradient(b: Builder, prim: ops.Reduce, op: Op, dys: Sequence[Value | None]) -> list[Value | None]:
    """``dy`` at the first element that equals the maximum: the first index wins a tie.

    A second reduction finds it: max over the elements equal to y of -index.
    """
    count = prod(prim.shape[a] for a in prim.axes)
    if count > EXACT_INDEX:
        raise NotImplementedError(f"reduce max: no gradient over {count} elements, indices are exact to {EXACT_INDEX}")
    flat = _flat_index(prim.axes, prim.shape)
    inputs = [*op.inputs]
    chosen: list[Expr] = []
    masked: list[Value | None] = []
    for result, y, dy in zip(prim.results, op.outputs, dys, strict=True):
        if dy is None:
            continue
        top = call("eq", result, arg(len(op.inputs)))
        key = call("where", top, call("neg", flat), const(-float(count)))
        first = b.emit1(ops.Reduce("max", (key,), prim.axes, prim.shape), *op.inputs, y)
        inputs.append(first)
        here = call("eq", flat, call("neg", arg(len(inputs) - 1)))
        chosen.append(call("where", here, result, const(0.0)))
        masked.append(dy)
    if not chosen:
        return [None] * len(op.inputs)
    grads = elementwise.gradient(b, chosen, prim.shape, inputs, masked, {})
    return grads[: len(op.inputs)]


def _flat_index(axes: tuple[int, ...], shape: Shape) -> Expr:
    """An element's row-major position within the reduced axes, as a float."""
    total: Expr = const(0)
    for axis in axes:
        here = Expr("index", (), axis - len(shape), "i32")
        total = call("add", call("mul", total, const(shape[axis])), here)
    return to_float(total)
