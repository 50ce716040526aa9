"""ScaledDotProductAttention."""

from __future__ import annotations

from math import sqrt
from typing import TYPE_CHECKING, ClassVar

from netspec.layers import attending
from netspec.spec.layer import Layer, Shape, field, layer

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value


@layer
class ScaledDotProductAttention(Layer):
    """Attention by scalar products, ``softmax(q k^T / sqrt(D)) v``; it learns nothing itself.

    Shapes
        query : N x Q x D, key : N x K x D, value : N x K x V -> y : N x Q x V, weights : N x Q x K (a second top);
        with ``lengths`` a fourth bottom of N counts says how many of the K keys there are.
    Formula
        ``a[q] = softmax over k of scale (query[q] . key[k])``, ``y[q] = sum over k of a[q, k] value[k]``; ``causal``:
        k <= q alone.
    Gradient
        To query, key and value.
    Source
        Vaswani et al. 2017, equation 1.
    Example
        inputs: {q: [3, 5], k: [7, 5], v: [7, 2]}
        layers:
          - {name: look, type: ScaledDotProductAttention, bottom: [q, k, v]}
    """

    bottoms: ClassVar[tuple[int, int | None]] = (3, 4)
    tops: ClassVar[tuple[int, int | None]] = (1, 2)

    causal: bool = field(False, doc="a query sees the keys up to its own place alone")
    scale: float | None = field(None, doc="factor of the scalar products; default: 1 / sqrt(D)")
    lengths: bool = field(False, doc="the fourth bottom holds how many keys each sample has")

    def shapes(self, query: Shape, key: Shape, value: Shape, lengths: Shape | None = None) -> tuple[Shape, ...]:
        attending.check_sets(self, query, key, value, alike=True)
        attending.check_lengths(self, ("query", "key", "value"), lengths, query[0])
        made = ((*query[:2], value[2]), (*query[:2], key[1]))
        return made[: max(1, len(self.top_names))]

    def lower(
        self, b: Builder, query: Value, key: Value, value: Value, lengths: Value | None = None
    ) -> tuple[Value, ...]:
        scale = 1.0 / sqrt(query.shape[2]) if self.scale is None else self.scale
        made = attending.attend(b, query, key, value, lengths, self.causal, scale)
        return made[: max(1, len(self.top_names))]
