"""ChannelNorm."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netspec.layers.axes import channelled
from netspec.layers.distances import length
from netspec.spec.layer import Layer, Shape, layer

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value


@layer
class ChannelNorm(Layer):
    """Euclidean length of the vector of channels at each place.

    Shapes
        x : N x C x .. -> y : N x 1 x ..
    Formula
        ``y = sqrt(sum of x^2 over C)``.
    Gradient
        ``dx = dy x / y``, 0 where y is 0.
    Source
        Ilg et al. 2017 (FlowNet 2.0); their ``ChannelNormLayer`` divides by y + 1e-9 instead.
    Example
        {type: ChannelNorm}
    """

    def shapes(self, x: Shape) -> Shape:
        n, _, *places = channelled("ChannelNorm", x)
        return n, 1, *places

    def lower(self, b: Builder, x: Value) -> Value:
        return length(b, x)
