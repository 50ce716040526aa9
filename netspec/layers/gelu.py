"""GELU."""

from __future__ import annotations

from math import pi, sqrt
from typing import TYPE_CHECKING, ClassVar

from netspec.layers.neuron import Neuron
from netspec.spec.layer import field, layer

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value


@layer
class GELU(Neuron):
    """Linear unit with a Gaussian gate, ``y = x (1 + erf(x / sqrt 2)) / 2``.

    Shapes
        x : any -> y : same.
    Formula
        ``approximate: tanh``: ``y = x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2``.
    Gradient
        Of the formula that is chosen.
    Source
        Hendrycks and Gimpel 2016.
    Example
        {type: GELU}
    """

    relu_like: ClassVar[bool] = True

    approximate: str = field("none", choices=("none", "tanh"), doc="the exact gate, or one made of tanh")

    def value(self, b: Builder, x: Value) -> Value:
        if self.approximate == "tanh":
            return 0.5 * x * (1.0 + b.tanh(sqrt(2 / pi) * (x + 0.044715 * (x * x * x))))
        return 0.5 * x * (1.0 + b.erf(x * sqrt(0.5)))
