"""SmoothL1Loss."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from netspec.layers import axes, distances
from netspec.spec.layer import Layer, Shape, ShapeError, field, layer

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value


@layer
class SmoothL1Loss(Layer):
    """Quadratic near 0, linear beyond: the loss of a box regression.

    Shapes
        x : N x ..; t : as many; inside and outside weights, both or neither : as many ->
        loss : a single number.
    Formula
        d = inside (x - t); ``0.5 (sigma d)^2`` where |d| < 1 / sigma^2, else
        ``|d| - 0.5 / sigma^2``; times the outside weights, summed, divided by N.
    Gradient
        ``sigma^2 d`` or ``sign d``, times both weights, over N.
    Source
        Girshick 2015 (Fast R-CNN), ``SmoothL1LossLayer`` of its Caffe.
    Example
        {type: SmoothL1Loss, bottom: [x, y]}
    """

    bottoms: ClassVar[tuple[int, int | None]] = (2, 4)
    is_loss: ClassVar[bool] = True

    sigma: float = field(1.0, above=0, doc="how narrow the quadratic part is: it ends at 1 / sigma^2")

    def shapes(self, x: Shape, target: Shape, *weights: Shape) -> Shape:
        if len(weights) == 1:
            raise ShapeError("E415", "there are inside weights without outside weights", "give both, or neither")
        for other, what in zip((target, *weights), ("targets", "inside weights", "outside weights"), strict=False):
            axes.same_count(x, other, what)
        return ()

    def lower(self, b: Builder, x: Value, target: Value, *weights: Value) -> Value:
        d = x - b.reshape(target, x.shape)
        if weights:
            d = d * b.reshape(weights[0], x.shape)
        term = distances.huber(b, d if self.sigma == 1 else self.sigma * d, 1.0 / self.sigma)
        if weights:
            term = term * b.reshape(weights[1], x.shape)
        return distances.mean_over_samples(b, term, distances.samples(x))
