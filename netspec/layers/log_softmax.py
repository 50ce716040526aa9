"""LogSoftmax."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netspec.layers import axes
from netspec.spec.layer import Layer, Shape, field, layer

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value


@layer
class LogSoftmax(Layer):
    """Scores to logarithms of probabilities, ``y = x - log of the sum of exp(x)`` along an axis.

    Shapes
        x : any -> y : same, 0 or below.
    Gradient
        ``dx = dy - exp(y) (sum of dy)``.
    Source
        Bridle 1990, in logarithms.
    Example
        {type: LogSoftmax}
    """

    axis: int = field(1, doc="the axis of the classes")

    def shapes(self, x: Shape) -> Shape:
        axes.canonical(self.axis, len(x))
        return x

    def lower(self, b: Builder, x: Value) -> Value:
        return x - b.logsumexp(x, axes.canonical(self.axis, x.rank))
