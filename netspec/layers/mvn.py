"""MVN."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from netspec.layers import axes, distances
from netspec.spec.layer import Layer, Shape, field, layer

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value


@layer
class MVN(Layer):
    """Each channel of each sample to mean 0 and variance 1, ``y = (x - mean) / (std + eps)``.

    Shapes
        x : N x C x .. -> y : same.
    Formula
        Mean and (biased) standard deviation over the places of a channel, with
        ``across_channels`` over all of a sample. ``eps`` is added to the deviation, not to
        the variance. ``normalize_variance: false``: ``y = x - mean``.
    Gradient
        Flows through mean and deviation; none through the deviation of equal values.
    Source
        Caffe ``MVNLayer``.
    Example
        {type: MVN}
    """

    passes_on: ClassVar[bool] = True

    normalize_variance: bool = field(True, doc="divide by the standard deviation")
    across_channels: bool = field(False, doc="one mean for all channels of a sample")
    eps: float = field(1e-9, above=0, doc="added to the standard deviation")

    def shapes(self, x: Shape) -> Shape:
        return axes.channelled("MVN", x)

    def lower(self, b: Builder, x: Value) -> Value:
        over = range(1 if self.across_channels else 2, x.rank)
        if not over:  # a channel of one number is its own mean
            return b.full(x.shape, 0.0)
        m, v = b.moments(x, over)
        if not self.normalize_variance:
            return x - m
        return (x - m) / (distances.power(b, v, 0.5) + self.eps)
