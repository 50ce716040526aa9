"""HardSigmoid."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netspec.layers.neuron import Neuron
from netspec.spec.layer import field, layer

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value


@layer
class HardSigmoid(Neuron):
    """Sigmoid made of three lines, ``y = min(max(alpha x + beta, 0), 1)``.

    Shapes
        x : any -> y : same, between 0 and 1.
    Gradient
        ``dx = dy alpha`` where 0 < y < 1, else 0.
    Source
        Courbariaux, Bengio and David 2015.
    Example
        {type: HardSigmoid}
    """

    alpha: float = field(0.2, doc="slope of the middle line")
    beta: float = field(0.5, doc="value at 0")

    def value(self, b: Builder, x: Value) -> Value:
        return b.minimum(1.0, b.maximum(0.0, self.alpha * x + self.beta))
