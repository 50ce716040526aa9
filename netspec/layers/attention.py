"""Attention, soft attention over a set."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, ClassVar

from netspec.layers import attending, axes, hints
from netspec.layers.weights import Weighted
from netspec.spec.layer import Shape, ShapeError, field, layer

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value


@layer
class Attention(Weighted):
    """Soft attention: where a state looks in a set of features.

    Shapes
        features : N x L x D, h : N x H -> context : N x D, weights : N x L (a second top); with ``lengths`` a third
        bottom of N counts says how many of the L there are.
    Formula
        ``e[l] = weight_e tanh(weight_f f[l] + weight_h h + bias)``, ``a = softmax(e)``, ``context = sum a[l] f[l]``.
    Learned
        weight_f : A x D; weight_h : A x H; weight_e : 1 x A; bias : A, with A = num_output.
    Gradient
        To features (both ways), h and the parameters.
    Source
        Bahdanau et al. 2014; Xu et al. 2015.
    Example
        inputs: {features: [7, 5], h: [6]}
        layers:
          - {name: look, type: Attention, bottom: [features, h], num_output: 4}
    """

    bottoms: ClassVar[tuple[int, int | None]] = (2, 3)
    tops: ClassVar[tuple[int, int | None]] = (1, 2)

    num_output: int = field(minimum=1, doc="width of the layer that compares state and features, A")
    lengths: bool = field(False, doc="the third bottom holds how many features each sample has")

    def shapes(self, features: Shape, h: Shape, lengths: Shape | None = None) -> tuple[Shape, ...]:
        attending.check_set("features", features, hints.name_of(self, 0))
        if len(h) != 2 or h[0] != features[0]:
            message = f"the state of attention is N x H with N = {features[0]}, got {axes.times(h)}"
            raise ShapeError("E462", message, self._state_hint(features[0], h))
        attending.check_lengths(self, ("features", "h"), lengths, features[0])
        self.check_filler(features, h)
        return ((features[0], features[2]), features[:2])[: max(1, len(self.top_names))]

    def _state_hint(self, batch: int, h: Shape) -> str:
        """How the state gets its two axes."""
        name = hints.name_of(self, 1)
        if len(h) == 2:
            turned = hints.through(name, "Permute", "order: [1, 0]")
            return turned if h[1] == batch else hints.declared(name, h)
        if h[:1] == (batch,) and len(h) > 2:
            return hints.through(name, "Flatten", "")
        if len(h) > 2 and prod(h[:-1]) == batch:  # a final state of one layer: 1 x N x H
            return hints.through(name, "Reshape", f"shape: [-1, {h[-1]}]")
        return hints.declared(name, (batch, *h[-1:]))

    def param_shapes(self, *bottoms: Shape) -> dict[str, Shape]:
        """Return the shapes of ``weight_f``, ``weight_h``, ``weight_e`` and ``bias``."""
        features, h, a = bottoms[0], bottoms[1], self.num_output
        found: dict[str, Shape] = {"weight_f": (a, features[2]), "weight_h": (a, h[1]), "weight_e": (1, a)}
        return {**found, "bias": (a,)} if self.bias_term else found

    def lower(self, b: Builder, features: Value, h: Value, lengths: Value | None = None) -> tuple[Value, ...]:
        (n, count, d), a = features.shape, self.num_output
        made = self.learn(b, self.param_shapes(features.shape, h.shape))
        weight_f, weight_h, weight_e = (made[f"weight_{k}"] for k in "fhe")
        ours = b.reshape(b.matmul(b.reshape(features, (n * count, d)), weight_f, transpose_b=True), (n, count, a))
        theirs = b.matmul(h, weight_h, transpose_b=True)
        if self.bias_term:
            theirs = theirs + made["bias"]
        joined = b.tanh(ours + b.reshape(theirs, (n, 1, a)))
        energy = b.reshape(b.matmul(b.reshape(joined, (n * count, a)), weight_e, transpose_b=True), (n, 1, count))
        weights = attending.softmax(b, attending.masked(b, energy, lengths, causal=False))
        context = b.reshape(b.matmul(weights, features), (n, d))
        return (context, b.reshape(weights, (n, count)))[: max(1, len(self.top_names))]
