"""EuclideanLoss."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from netspec.layers import axes, distances
from netspec.spec.layer import Layer, Shape, layer

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value


@layer
class EuclideanLoss(Layer):
    """Squared distance, ``sum of (x - t)^2 / (2 N)``.

    Shapes
        x : N x ..; t : as many -> loss : a single number. N is the batch alone.
    Gradient
        ``dx = (x - t) / N``, ``dt = -dx``.
    Source
        Caffe ``EuclideanLossLayer``.
    Example
        {type: EuclideanLoss, bottom: [x, y]}
    """

    bottoms: ClassVar[tuple[int, int | None]] = (2, 2)
    is_loss: ClassVar[bool] = True

    def shapes(self, x: Shape, target: Shape) -> Shape:
        axes.same_count(x, target, "targets")
        return ()

    def lower(self, b: Builder, x: Value, target: Value) -> Value:
        d = x - b.reshape(target, x.shape)
        return distances.mean_over_samples(b, d * d, 2 * distances.samples(x))
