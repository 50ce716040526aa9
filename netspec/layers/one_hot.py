"""OneHot."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from netspec.layers import axes, indices
from netspec.spec.layer import Layer, Shape, field, layer

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value


@layer
class OneHot(Layer):
    """For each number a row of zeros with a one at its place.

    Shapes
        x : any, whole numbers from 0 to K - 1 -> y : the same with an axis of K put in at ``axis``.
    Formula
        ``y[.., k] = on_value if k = x[..] else off_value``. A number out of range is an error of
        the data; where a layer makes it, its row has no one.
    Gradient
        None.
    Source
        ONNX ``OneHot``.
    Example
        {type: OneHot, bottom: label, num_output: 10}
    """

    label_bottoms: ClassVar[tuple[int, ...]] = (0,)

    num_output: int = field(minimum=1, doc="how many numbers there are, K")
    axis: int = field(-1, doc="where the new axis is, of those of the top")
    on_value: float = field(1.0, doc="at the number's place")
    off_value: float = field(0.0, doc="elsewhere")

    def shapes(self, x: Shape) -> Shape:
        axis = axes.canonical(self.axis, len(x), end=True)
        return *x[:axis], self.num_output, *x[axis:]

    def label_range(self, x: Shape) -> tuple[int, int | None]:
        return self.num_output, None

    def lower(self, b: Builder, x: Value) -> Value:
        shape = self.shapes(x.shape)
        axis = axes.canonical(self.axis, len(shape))
        column = b.reshape(indices.as_index(b, x), (*shape[:axis], 1, *shape[axis + 1 :]))
        return b.where(b.equal(b.index(shape, axis), column), self.on_value, self.off_value)
