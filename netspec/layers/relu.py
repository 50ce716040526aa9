"""ReLU."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from netspec.spec.layer import Layer, Shape, field, layer

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value


@layer
class ReLU(Layer):
    """Rectified linear unit, ``y = x if x > 0 else negative_slope * x``.

    Shapes
        x : any -> y : same.
    Gradient
        At x = 0 the slope's side is taken (Caffe).
    Source
        Nair and Hinton 2010; Caffe ``ReLULayer``.
    Example
        {type: ReLU, negative_slope: 0.1}
    """

    relu_like: ClassVar[bool] = True

    negative_slope: float = field(0.0, doc="factor for x <= 0")

    def shapes(self, x: Shape) -> Shape:
        return x

    def lower(self, b: Builder, x: Value) -> Value:
        return b.where(x > 0, x, self.negative_slope * x)
