"""sample: bilinear samples at places that are data."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

from compiler.primitives.registry import Rule, Typed, register
from compiler.primitives.shapes import require, require_operands, require_rank, written
from runtime.ops import Pair
from runtime.ops_space import Sample, SampleGrad

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Op, Value


def check(kind: str, places: Value, samples: int, order: Pair) -> None:
    """Raise unless there are two numbers a place and a side's order is 0 or 1."""
    require_rank(kind, "places", places, 4)
    require(places.shape[:2] == (samples, 2), kind, f"places {written(places.shape)}", f"{samples} x 2 x ..")
    require(set(order) <= {0, 1}, kind, f"order {order}", "0 or 1 a side")


def slopes(b: Builder, x: Value, places: Value, order: Pair, dy: Value) -> Value:
    """Gradient for the places: the sum over c of dy times the samples' derivative by column, then by row."""
    parts: list[Value] = []
    for side in (1, 0):
        if order[side]:  # bilinear: the second derivative by one side is 0
            parts.append(b.full((places.shape[0], 1, *places.shape[2:]), 0.0))
            continue
        higher = (order[0] + (side == 0), order[1] + (side == 1))
        parts.append(b.sum(dy * b.emit1(Sample(higher), x, places), 1))
    return b.concat(parts, 1)


@register(Sample)
class SampleRule(Rule):
    """y = the weighted sum of the four pixels around a place; closed under differentiation by ``order``."""

    def infer(self, prim: Sample, *inputs: Value) -> list[Typed]:
        """N x C x H x W, N x 2 x Ho x Wo -> N x C x Ho x Wo."""
        require_operands("sample", inputs, 2)
        x, places = inputs
        require_rank("sample", "x", x, 4)
        check("sample", places, x.shape[0], prim.order)
        return [((*x.shape[:2], *places.shape[2:]), x.dtype)]

    def grad(self, b: Builder, op: Op, *dys: Value | None) -> list[Value | None]:
        """For x a scatter; for the places samples of x's slopes."""
        prim, (x, places), (dy,) = op.prim, op.inputs, dys
        assert isinstance(prim, Sample)
        if dy is None:
            return [None, None]
        back = b.emit1(SampleGrad((x.shape[2], x.shape[3]), prim.order), dy, places)
        return [back, slopes(b, x, places, prim.order, dy)]

    def flops(self, op: Op) -> int:
        """A multiply-add for each of four pixels."""
        return 8 * prod(op.outputs[0].shape)
