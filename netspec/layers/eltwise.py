"""Eltwise."""

from __future__ import annotations

from collections.abc import Iterator
from functools import reduce
from typing import TYPE_CHECKING, ClassVar

from netspec.layers import axes
from netspec.spec.layer import Layer, Problem, Shape, ShapeError, field, layer

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value


@layer
class Eltwise(Layer):
    """Sum, product or maximum of blobs, element by element.

    Shapes
        two or more bottoms of one shape -> y : same; no broadcasting (see Expression).
    Formula
        SUM: ``y = coeff[0] x0 + coeff[1] x1 + ..`` (coefficients 1 if not given);
        PROD: ``y = x0 x1 ..``; MAX: ``y = max(x0, x1, ..)``.
    Gradient
        PROD: the product of the others, right at 0 too. MAX: to the first largest.
    Source
        Caffe ``EltwiseLayer``.
    Example
        {type: Eltwise, bottom: [x, y], coeff: [1, -1]}
    """

    bottoms: ClassVar[tuple[int, int | None]] = (2, None)
    passes_on: ClassVar[bool] = True

    operation: str = field("SUM", choices=("SUM", "PROD", "MAX"), doc="what is done")
    coeff: tuple[float, ...] = field((), doc="one factor for each bottom of a SUM; default: all 1")
    stable_prod_grad: bool = field(True, doc="accepted for Caffe's sake; the gradient of PROD is always the stable one")

    def problems(self) -> Iterator[Problem]:
        yield from super().problems()
        if self.coeff and self.operation != "SUM":
            yield Problem("E522", "coeff", f"coeff needs operation: SUM, not {self.operation}", "drop coeff")

    def shapes(self, *bottoms: Shape) -> Shape:
        for other in bottoms[1:]:
            if other != bottoms[0]:
                raise ShapeError("E415", f"the bottoms differ: {axes.times(bottoms[0])} and {axes.times(other)}")
        if self.coeff and len(self.coeff) != len(bottoms):
            raise ShapeError("E422", f"coeff has {len(self.coeff)} values for {len(bottoms)} bottoms", None, "coeff")
        return bottoms[0]

    def lower(self, b: Builder, *bottoms: Value) -> Value:
        if self.operation == "MAX":
            return reduce(b.maximum, bottoms)
        if self.operation == "PROD":
            return reduce(lambda x, y: x * y, bottoms)
        coeff = self.coeff or (1.0,) * len(bottoms)
        return reduce(lambda x, y: x + y, (x if c == 1 else c * x for c, x in zip(coeff, bottoms, strict=True)))
