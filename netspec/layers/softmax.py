"""Softmax."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netspec.layers import axes
from netspec.spec.layer import Layer, Shape, field, layer

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value


@layer
class Softmax(Layer):
    """Scores to probabilities, ``y = exp(x) / sum of exp(x)`` along an axis.

    Shapes
        x : any -> y : same; sums to 1 along ``axis``.
    Formula
        ``y = exp(x - logsumexp(x))``, which no score overflows.
    Gradient
        ``dx = y (dy - sum of dy y)``.
    Source
        Bridle 1990; Caffe ``SoftmaxLayer``.
    Example
        {type: Softmax}
    """

    axis: int = field(1, doc="the axis of the classes")

    def shapes(self, x: Shape) -> Shape:
        axes.canonical(self.axis, len(x))
        return x

    def lower(self, b: Builder, x: Value) -> Value:
        return b.exp(x - b.logsumexp(x, axes.canonical(self.axis, x.rank)))
