"""Reduction."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import TYPE_CHECKING

from netspec.layers import axes
from netspec.spec.layer import Layer, Problem, Shape, ShapeError, field, layer

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value


@layer
class Reduction(Layer):
    """Sum or mean over axes, of the values, their sizes or their squares.

    Shapes
        x : any -> y : without the axes from ``axis`` on (all by default), or without those
        listed in ``axes``.
    Formula
        SUM: ``y = coeff sum x``; ASUM: ``coeff sum |x|``; SUMSQ: ``coeff sum x^2``;
        MEAN: ``coeff mean x``.
    Gradient
        ASUM: 0 at x = 0.
    Source
        Caffe ``ReductionLayer``; ``axes`` is ours.
    Example
        {type: Reduction, operation: mean, axis: 2}
    """

    operation: str = field("SUM", choices=("SUM", "ASUM", "SUMSQ", "MEAN"), doc="what is summed")
    axis: int = field(0, doc="first of the axes that go, up to the last")
    axes: tuple[int, ...] | None = field(None, doc="the axes that go, in place of axis")
    coeff: float = field(1.0, doc="factor on the result")

    def problems(self) -> Iterator[Problem]:
        yield from super().problems()
        if self.axes is not None and self.given("axis"):
            yield Problem("E511", "axis", "axis and axes say the same", "keep one of them")

    def shapes(self, x: Shape) -> Shape:
        gone = self._gone(x)
        return tuple(n for k, n in enumerate(x) if k not in gone)

    def _gone(self, x: Shape) -> list[int]:
        if self.axes is None:
            return list(range(axes.canonical(self.axis, len(x), end=not x), len(x)))
        gone = [axes.canonical(axis, len(x), "axes") for axis in self.axes]
        if len(set(gone)) < len(gone):
            raise ShapeError("E417", "axes names an axis twice", None, "axes")
        return sorted(gone)

    def lower(self, b: Builder, x: Value) -> Value:
        gone = self._gone(x.shape)
        value = b.abs(x) if self.operation == "ASUM" else x * x if self.operation == "SUMSQ" else b.to_float(x)
        factor = self.coeff
        if self.operation == "MEAN":
            factor /= max(1, prod(x.shape[k] for k in gone))
        total = b.sum(value, gone) if gone else value
        return b.reshape(total if factor == 1 else total * factor, self.shapes(x.shape))
