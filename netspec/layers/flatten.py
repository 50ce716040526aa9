"""Flatten."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, ClassVar

from netspec.layers import axes
from netspec.spec.layer import Layer, Shape, ShapeError, field, layer

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value


@layer
class Flatten(Layer):
    """Several axes made one.

    Shapes
        x : N x C x H x W -> y : N x CHW; in general the axes ``axis`` to ``end_axis``
        become their product.
    Gradient
        dy in the shape of x.
    Source
        Caffe ``FlattenLayer``.
    Example
        {type: Flatten}
    """

    passes_on: ClassVar[bool] = True
    moves_only: ClassVar[bool] = True

    axis: int = field(1, doc="first axis that is flattened")
    end_axis: int = field(-1, doc="last axis that is flattened")

    def shapes(self, x: Shape) -> Shape:
        # a blob N flattens to N x 1, as in Caffe
        first = axes.canonical(self.axis, len(x), end=len(x) == self.axis)
        last = axes.canonical(self.end_axis, len(x), "end_axis")
        if last < first - 1:
            raise ShapeError("E417", f"end_axis {self.end_axis} lies before axis {self.axis}", None, "end_axis")
        return *x[:first], prod(x[first : last + 1]), *x[last + 1 :]

    def lower(self, b: Builder, x: Value) -> Value:
        return b.reshape(x, self.shapes(x.shape))
