"""map: an expression tree at each element."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

from compiler.primitives import elementwise
from compiler.primitives.registry import Rule, Typed, register
from runtime import ops

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Op, Value


@register(ops.Map)
class MapRule(Rule):
    """y[i] = f(a[i], b[i], ..); dx = sum over broadcast axes of dy df/dx."""

    def infer(self, prim: ops.Map, *inputs: Value) -> list[Typed]:
        """Every result has the map's shape; floating ones the operands' dtype."""
        floating = elementwise.check("map", prim.results, prim.shape, inputs)
        return [(prim.shape, floating if r.dtype == "float" else r.dtype) for r in prim.results]

    def grad(self, b: Builder, op: Op, *dys: Value | None) -> list[Value | None]:
        """Derivatives of the trees; results of this map are read, not computed again."""
        prim = op.prim
        assert isinstance(prim, ops.Map)
        known = dict(zip(prim.results, op.outputs, strict=True))
        return elementwise.gradient(b, prim.results, prim.shape, op.inputs, dys, known)

    def flops(self, op: Op) -> int:
        """Distinct function nodes of all results, an element."""
        prim = op.prim
        assert isinstance(prim, ops.Map)
        return elementwise.operations(prim.results) * prod(prim.shape)
