"""transpose: axes permuted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from compiler.primitives.registry import Movement, Typed, register
from compiler.primitives.shapes import require, written
from runtime import ops

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Op, Value


@register(ops.Transpose)
class TransposeRule(Movement):
    """y = x with axis ``order[a]`` as axis a; dx by the inverse permutation."""

    def infer(self, prim: ops.Transpose, *inputs: Value) -> list[Typed]:
        """Sizes of x in the new order."""
        require(len(inputs) == 1, "transpose", f"{len(inputs)} operands", "1")
        (x,) = inputs
        ok = sorted(prim.order) == list(range(x.rank))
        require(ok, "transpose", f"order {prim.order}", f"a permutation of the {x.rank} axes of {written(x.shape)}")
        return [(tuple(x.shape[a] for a in prim.order), x.dtype)]

    def grad(self, b: Builder, op: Op, *dys: Value | None) -> list[Value | None]:
        """The inverse permutation."""
        prim, (dy,) = op.prim, dys
        assert isinstance(prim, ops.Transpose)
        inverse = tuple(prim.order.index(a) for a in range(len(prim.order)))
        return [None if dy is None else b.emit1(ops.Transpose(inverse), dy)]
