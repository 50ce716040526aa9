"""gather: rows of a table by their numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from compiler.primitives.registry import Movement, Typed, register
from compiler.primitives.shapes import require, written
from runtime import ops
from runtime.expr import FLOATS
from runtime.ops import Shape

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Op, Value

LARGEST = 1 << 31
"""Rows that an i32 can number."""


def check_rows(kind: str, inputs: tuple[Value, ...], named: str) -> tuple[Shape, Shape]:
    """Shapes of the array and of its index, L x .. x D and L x M (or without L).

    Raises
    ------
    ValueError
        Unless there are an array of two axes with an index of one, or three with two.
    """
    require(len(inputs) == 2, kind, f"{len(inputs)} operands", "2")
    x, index = inputs
    require(index.dtype == "i32", kind, f"an index of {index.dtype}", "i32")
    got = f"{named} {written(x.shape)} with index {written(index.shape)}"
    ok = x.rank in (2, 3) and index.rank == x.rank - 1 and 0 not in x.shape and 0 not in index.shape
    require(ok, kind, got, "2 axes with 1, or 3 with 2, of size 1 or more")
    require(x.rank == 2 or x.shape[0] == index.shape[0], kind, got, "the same first axis")
    return x.shape, index.shape


@register(ops.Gather)
class GatherRule(Movement):
    """y[m] = x[index[m]]; dx by ``scatter_add``."""

    def infer(self, prim: ops.Gather, *inputs: Value) -> list[Typed]:
        """V x D and M -> M x D; L x V x D and L x M -> L x M x D."""
        x, index = check_rows("gather", inputs, "table")
        dtype = inputs[0].dtype
        require(dtype in (*FLOATS, "i32"), "gather", f"a table of {dtype}", "one of f32, f64, i32")
        require(x[-2] < LARGEST, "gather", f"{x[-2]} rows", "fewer than 2^31")
        return [((*index, x[-1]), dtype)]

    def grad(self, b: Builder, op: Op, *dys: Value | None) -> list[Value | None]:
        """Every row of dy added to the row that it was taken from."""
        (x, index), (dy,) = op.inputs, dys
        return [None if dy is None else b.emit1(ops.ScatterAdd(x.shape[-2]), dy, index), None]
