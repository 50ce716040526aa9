"""TripletLoss."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from netspec.layers import distances
from netspec.spec.layer import Layer, Shape, field, layer

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value


@layer
class TripletLoss(Layer):
    """An anchor should be nearer to its positive than to its negative, by a margin.

    Shapes
        anchor, positive, negative : N x C (further axes are flattened into C) -> loss : a single number.
    Formula
        ``max(0, |a - p|^2 - |a - n|^2 + margin)``, without the squares with ``squared: false``;
        summed, divided by N.
    Gradient
        0 for a triplet exactly at the margin, and through a distance of 0 that is not squared.
    Source
        Schroff, Kalenichenko and Philbin 2015 (FaceNet), equation 3, who take a margin of 0.2.
    Example
        inputs: {a: [4], p: [4], n: [4]}
        layers:
          - {name: loss, type: TripletLoss, bottom: [a, p, n], margin: 0.2}
    """

    bottoms: ClassVar[tuple[int, int | None]] = (3, 3)
    is_loss: ClassVar[bool] = True

    margin: float = field(1.0, minimum=0, doc="by how much the positive should be nearer")
    squared: bool = field(True, doc="squared distances, or the distances themselves")

    def shapes(self, anchor: Shape, positive: Shape, negative: Shape) -> Shape:
        distances.check_pairs(anchor, positive, negative)
        return ()

    def lower(self, b: Builder, anchor: Value, positive: Value, negative: Value) -> Value:
        near, far = (distances.squared_distance(b, anchor, other) for other in (positive, negative))
        if not self.squared:
            near, far = distances.power(b, near, 0.5), distances.power(b, far, 0.5)
        # 0 first: at the kink the gradient goes to it
        return distances.mean_over_samples(b, b.maximum(0.0, near - far + self.margin), distances.samples(anchor))
