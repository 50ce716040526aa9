"""LayerNorm."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netspec.layers import axes
from netspec.layers.normalising import Normalising
from netspec.spec.layer import Shape, field, layer

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value


@layer
class LayerNorm(Normalising):
    """The last axes of each item to mean 0 and variance 1, ``y = scale (x - mean) / sqrt(variance + eps) + bias``.

    Shapes
        x : any -> y : same.
    Formula
        Mean and (biased) variance over the axes from ``axis`` on, the same in both phases.
    Learned
        with ``scale_bias``: scale, bias : the axes of x from ``axis`` on.
    Gradient
        Flows through mean and variance.
    Source
        Ba, Kiros and Hinton 2016.
    Example
        {type: LayerNorm, axis: 1}
    """

    axis: int = field(-1, doc="first of the axes that are normalised, up to the last")

    def shapes(self, x: Shape) -> Shape:
        axes.canonical(self.axis, len(x))
        self.check_fillers(x)
        return x

    def affine_shape(self, x: Shape) -> Shape:
        return x[axes.canonical(self.axis, len(x)) :]

    def lower(self, b: Builder, x: Value) -> Value:
        axis = axes.canonical(self.axis, x.rank)
        m, v = b.moments(x, range(axis, x.rank))
        y = (x - m) * b.rsqrt(v + self.eps)
        return self.scaled(b, y, x.shape, (*(1,) * axis, *x.shape[axis:]))
