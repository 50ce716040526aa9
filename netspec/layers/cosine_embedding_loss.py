"""CosineEmbeddingLoss."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netspec.layers import distances
from netspec.layers.pairs import Paired
from netspec.spec.layer import field, layer

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value


@layer
class CosineEmbeddingLoss(Paired):
    """Pairs that are alike should point in one direction, others apart.

    Shapes
        a, b : N x C (further axes are flattened into C); same : N, 1 for a pair that is alike,
        0 for one that is not -> loss : a single number.
    Formula
        c = a . b / (|a| |b|), 0 if one of them is 0; ``1 - c`` for a pair that is alike, else
        ``max(0, c - margin)``; summed, divided by N.
    Gradient
        0 exactly at the margin, and for a vector of zeros.
    Source
        As Torch's ``CosineEmbeddingCriterion`` (flags 1 and -1 there).
    Example
        inputs: {a: [4], b: [4], same: []}
        layers:
          - {name: loss, type: CosineEmbeddingLoss, bottom: [a, b, same]}
    """

    margin: float = field(0.0, minimum=-1, maximum=1, doc="the cosine that pairs that are not alike may have")

    def lower(self, b: Builder, a: Value, other: Value, same: Value) -> Value:
        n = distances.samples(a)
        x, y = distances.flat(b, a), distances.flat(b, other)
        squares = b.sum(x * x, 1) * b.sum(y * y, 1)
        zero = b.equal(squares, 0.0)
        cosine = b.where(zero, 0.0, b.sum(x * y, 1) * b.rsqrt(b.where(zero, 1.0, squares)))
        # 0 first: at the kink the gradient goes to it
        term = b.where(self.are_alike(b, same), 1.0 - cosine, b.maximum(0.0, cosine - self.margin))
        return distances.mean_over_samples(b, term, n)
