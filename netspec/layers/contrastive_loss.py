"""ContrastiveLoss."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netspec.layers import distances
from netspec.layers.pairs import Paired
from netspec.spec.layer import field, layer

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value


@layer
class ContrastiveLoss(Paired):
    """Pairs that are alike are pulled together, others pushed a margin apart.

    Shapes
        a, b : N x C (further axes are flattened into C); same : N, 1 for a pair that is alike,
        0 for one that is not -> loss : a single number.
    Formula
        d = distance of a and b; ``d^2`` for a pair that is alike, else
        ``max(0, margin - d)^2`` (``legacy_version``: ``max(0, margin - d^2)``); summed, divided by 2 N.
    Gradient
        At d = 0 there is no direction to push in: 0.
    Source
        Hadsell, Chopra and LeCun 2006; Caffe ``ContrastiveLossLayer``, which divides by
        d + 1e-4 in its gradient.
    Example
        inputs: {a: [4], b: [4], same: []}
        layers:
          - {name: loss, type: ContrastiveLoss, bottom: [a, b, same], margin: 2}
    """

    margin: float = field(1.0, above=0, doc="how far apart pairs that are not alike should be")
    legacy_version: bool = field(False, doc="the margin is of the squared distance, as early versions of Caffe had it")

    def lower(self, b: Builder, a: Value, other: Value, same: Value) -> Value:
        n = distances.samples(a)
        square = distances.squared_distance(b, a, other)
        if self.legacy_version:
            apart = b.maximum(0.0, self.margin - square)  # 0 first: at the kink the gradient goes to it
        else:
            lead = b.maximum(0.0, self.margin - distances.power(b, square, 0.5))
            apart = lead * lead
        return distances.mean_over_samples(b, b.where(self.are_alike(b, same), square, apart), 2 * n)
