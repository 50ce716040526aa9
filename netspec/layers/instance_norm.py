"""InstanceNorm."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netspec.layers import axes
from netspec.layers.normalising import Normalising
from netspec.spec.layer import Shape, ShapeError, layer

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value


@layer
class InstanceNorm(Normalising):
    """Each channel of each sample to mean 0 and variance 1, then a scale and a bias for each channel.

    Shapes
        x : N x C x places -> y : same.
    Formula
        ``y = scale[c] (x - mean) / sqrt(variance + eps) + bias[c]``, mean and (biased)
        variance over the places of a channel, the same in both phases.
    Learned
        with ``scale_bias``: scale : C, bias : C.
    Gradient
        Flows through mean and variance.
    Source
        Ulyanov, Vedaldi and Lempitsky 2016.
    Example
        {type: InstanceNorm}
    """

    def shapes(self, x: Shape) -> Shape:
        if len(x) < 3:
            raise ShapeError("E413", f"InstanceNorm works on N x C x places, its bottom is {axes.times(x)}")
        self.check_fillers(x)
        return x

    def affine_shape(self, x: Shape) -> Shape:
        return (x[1],)

    def lower(self, b: Builder, x: Value) -> Value:
        m, v = b.moments(x, range(2, x.rank))
        return self.scaled(b, (x - m) * b.rsqrt(v + self.eps), x.shape, axes.per_channel(x.shape))
