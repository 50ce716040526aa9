"""TanH."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netspec.spec.layer import Layer, Shape, layer

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value


@layer
class TanH(Layer):
    """Hyperbolic tangent, ``y = tanh(x)``.

    Shapes
        x : any -> y : same, between -1 and 1.
    Gradient
        ``dx = dy (1 - y^2)``.
    Source
        LeCun et al. 1998, "Efficient BackProp"; Caffe ``TanHLayer``.
    Example
        {type: TanH}
    """

    def shapes(self, x: Shape) -> Shape:
        return x

    def lower(self, b: Builder, x: Value) -> Value:
        return b.tanh(x)
