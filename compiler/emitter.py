"""What the parts of the builder have of each other."""

from __future__ import annotations

from collections.abc import Sequence

from compiler.ir import Value
from runtime import ops
from runtime.expr import Expr
from runtime.ops import Shape


class Emitter:
    """Base of the builder's parts: the methods that they call and ``Builder`` brings."""

    def emit(self, prim: ops.Primitive, *inputs: Value) -> tuple[Value, ...]:
        """Appends a primitive."""
        raise NotImplementedError

    def emit1(self, prim: ops.Primitive, *inputs: Value) -> Value:
        """Appends a primitive with one result."""
        raise NotImplementedError

    def map(self, formula: Expr, shape: Shape, *inputs: Value) -> Value:
        """One ``Map`` with a whole expression tree."""
        raise NotImplementedError

    def reshape(self, x: Value, shape: Shape) -> Value:
        """The same elements in logical order."""
        raise NotImplementedError

    def transpose(self, x: Value, order: Sequence[int]) -> Value:
        """Axes permuted."""
        raise NotImplementedError
