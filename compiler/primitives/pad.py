"""pad: zeros around, or less of the border."""

from __future__ import annotations

from typing import TYPE_CHECKING

from compiler.primitives.registry import Movement, Typed, register
from compiler.primitives.shapes import require, written
from runtime import ops

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Op, Value


@register(ops.Pad)
class PadRule(Movement):
    """y = x with zeros around (negative widths crop); dx by the negative widths."""

    def infer(self, prim: ops.Pad, *inputs: Value) -> list[Typed]:
        """Every axis longer by its two widths."""
        require(len(inputs) == 1, "pad", f"{len(inputs)} operands", "1")
        (x,) = inputs
        require(len(prim.widths) == x.rank, "pad", f"{len(prim.widths)} widths", f"{x.rank} for {written(x.shape)}")
        for n, (before, after) in zip(x.shape, prim.widths, strict=True):
            ok = n + min(before, 0) + min(after, 0) >= 1
            require(ok, "pad", f"widths {(before, after)} on an axis of {n}", "some of the axis to remain")
        return [(tuple(n + sum(w) for n, w in zip(x.shape, prim.widths, strict=True)), x.dtype)]

    def grad(self, b: Builder, op: Op, *dys: Value | None) -> list[Value | None]:
        """What was padded is cropped and the reverse."""
        prim, (dy,) = op.prim, dys
        assert isinstance(prim, ops.Pad)
        back = ops.Pad(tuple((-before, -after) for before, after in prim.widths))
        return [None if dy is None else b.emit1(back, dy)]
