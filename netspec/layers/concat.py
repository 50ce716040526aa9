"""Concat."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from netspec.layers import axes
from netspec.spec.layer import Layer, Shape, ShapeError, field, layer

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value


@layer
class Concat(Layer):
    """Blobs one after another along an axis.

    Shapes
        one or more bottoms, alike but for ``axis`` -> y : their sizes along ``axis`` added.
    Gradient
        Each bottom gets its part of dy.
    Source
        Caffe ``ConcatLayer``.
    Example
        {type: Concat, bottom: [x, y]}
    """

    bottoms: ClassVar[tuple[int, int | None]] = (1, None)
    passes_on: ClassVar[bool] = True
    moves_only: ClassVar[bool] = True

    axis: int = field(1, doc="the axis along which they follow each other")

    def shapes(self, *bottoms: Shape) -> Shape:
        first = bottoms[0]
        axis = axes.canonical(self.axis, len(first))
        for other in bottoms[1:]:
            if len(other) != len(first) or other[:axis] + other[axis + 1 :] != first[:axis] + first[axis + 1 :]:
                raise ShapeError(
                    "E415",
                    f"bottoms may differ along axis {axis} only: {axes.times(first)} and {axes.times(other)}",
                )
        return *first[:axis], sum(x[axis] for x in bottoms), *first[axis + 1 :]

    def lower(self, b: Builder, *bottoms: Value) -> Value:
        return b.concat(bottoms, axes.canonical(self.axis, bottoms[0].rank))
