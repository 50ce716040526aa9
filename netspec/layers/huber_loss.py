"""HuberLoss."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from netspec.layers import axes, distances
from netspec.spec.layer import Layer, Shape, field, layer

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value


@layer
class HuberLoss(Layer):
    """Squared error that grows only linearly beyond ``delta``: outliers pull with a bounded force.

    Shapes
        x : N x ..; t : as many -> loss : a single number.
    Formula
        d = x - t; ``0.5 d^2`` where |d| <= delta, else ``delta (|d| - 0.5 delta)``; summed,
        divided by N.
    Gradient
        d cut to -delta .. delta, over N.
    Source
        Huber 1964. SmoothL1Loss with sigma is it with delta = 1 / sigma^2, times sigma^2.
    Example
        {type: HuberLoss, bottom: [x, y], delta: 0.5}
    """

    bottoms: ClassVar[tuple[int, int | None]] = (2, 2)
    is_loss: ClassVar[bool] = True

    delta: float = field(1.0, above=0, doc="where the square ends")

    def shapes(self, x: Shape, target: Shape) -> Shape:
        axes.same_count(x, target, "targets")
        return ()

    def lower(self, b: Builder, x: Value, target: Value) -> Value:
        d = x - b.reshape(target, x.shape)
        return distances.mean_over_samples(b, distances.huber(b, d, self.delta), distances.samples(x))
