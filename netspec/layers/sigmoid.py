"""Sigmoid."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netspec.spec.layer import Layer, Shape, layer

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value


@layer
class Sigmoid(Layer):
    """Logistic function, ``y = 1 / (1 + exp(-x))``.

    Shapes
        x : any -> y : same, between 0 and 1.
    Gradient
        ``dx = dy y (1 - y)``.
    Source
        Caffe ``SigmoidLayer``.
    Example
        {type: Sigmoid}
    """

    def shapes(self, x: Shape) -> Shape:
        return x

    def lower(self, b: Builder, x: Value) -> Value:
        return b.sigmoid(x)
