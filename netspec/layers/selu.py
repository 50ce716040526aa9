"""SELU."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netspec.layers.neuron import Neuron, elu
from netspec.spec.layer import field, layer

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value


@layer
class SELU(Neuron):
    """Exponential linear unit whose values keep mean 0 and variance 1, ``y = scale ELU(x)``.

    Shapes
        x : any -> y : same.
    Formula
        ``y = scale x`` for x > 0, else ``scale alpha (exp(x) - 1)``, scale = 1.0507..,
        alpha = 1.6733..; the weights before it should have variance 1 / n: xavier.
    Gradient
        ``dx = dy scale`` for x > 0, else ``dy scale alpha exp(x)``.
    Source
        Klambauer et al. 2017, equation 2.
    Example
        {type: SELU}
    """

    alpha: float = field(1.6732632423543772, doc="-scale alpha is the limit for large negative x")
    scale: float = field(1.0507009873554805, doc="slope for x > 0")

    def value(self, b: Builder, x: Value) -> Value:
        return self.scale * elu(b, x, self.alpha)
