"""TopK."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from netspec.layers import axes, indices
from netspec.spec.layer import Layer, Shape, field, layer

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value


@layer
class TopK(Layer):
    """The ``top_k`` largest values along an axis, in falling order.

    Shapes
        x : any -> values : as x, the axis of size top_k; a second top, if named, gets the
        places of these values along the axis, whole numbers (int32), of the same shape.
    Formula
        Of equal values the first is the larger, NaN is larger than every number.
    Gradient
        Of the values to the elements that they are; places have none.
    Source
        ONNX ``TopK``; ArgMax is Caffe's.
    Example
        {type: TopK, top_k: 3, axis: -1, top: [best, where]}
    """

    tops: ClassVar[tuple[int, int | None]] = (1, 2)

    top_k: int = field(minimum=1, doc="how many of the largest")
    axis: int = field(1, doc="the axis to search")

    def shapes(self, x: Shape) -> tuple[Shape, ...]:
        axis = axes.canonical(self.axis, len(x))
        indices.check_count(self.top_k, x[axis], "values along the axis")
        return ((*x[:axis], self.top_k, *x[axis + 1 :]),) * max(1, len(self.top_names))

    def lower(self, b: Builder, x: Value) -> tuple[Value, ...]:
        found = b.top_k(x, self.top_k, axes.canonical(self.axis, x.rank))
        return found[: max(1, len(self.top_names))]
