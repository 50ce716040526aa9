"""slice: a range of an axis."""

from __future__ import annotations

from typing import TYPE_CHECKING

from compiler.primitives.registry import Movement, Typed, register
from compiler.primitives.shapes import require, require_axis
from runtime import ops

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Op, Value


@register(ops.Slice)
class SliceRule(Movement):
    """y = x[start:stop] along an axis; dx is dy with zeros around."""

    def infer(self, prim: ops.Slice, *inputs: Value) -> list[Typed]:
        """Shape of x with ``stop - start`` along the axis."""
        require(len(inputs) == 1, "slice", f"{len(inputs)} operands", "1")
        (x,) = inputs
        require_axis("slice", prim.axis, x.rank)
        n = x.shape[prim.axis]
        require(0 <= prim.start < prim.stop <= n, "slice", f"{prim.start}:{prim.stop}", f"a range within 0:{n}")
        return [((*x.shape[: prim.axis], prim.stop - prim.start, *x.shape[prim.axis + 1 :]), x.dtype)]

    def grad(self, b: Builder, op: Op, *dys: Value | None) -> list[Value | None]:
        """``pad``; autodiff joins the gradients of slices that tile x to a ``concat``."""
        prim, (x,), (dy,) = op.prim, op.inputs, dys
        assert isinstance(prim, ops.Slice)
        if dy is None:
            return [None]
        around = (prim.start, x.shape[prim.axis] - prim.stop)
        widths = tuple(around if a == prim.axis else (0, 0) for a in range(x.rank))
        return [dy if around == (0, 0) else b.emit1(ops.Pad(widths), dy)]
