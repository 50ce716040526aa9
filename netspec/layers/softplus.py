"""Softplus."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from netspec.layers.neuron import Neuron, softplus
from netspec.spec.layer import field, layer

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value


@layer(aliases=("BNLL",))
class Softplus(Neuron):
    """Smooth rectifier, ``y = log(1 + exp(beta x)) / beta``.

    Shapes
        x : any -> y : same, positive.
    Gradient
        ``dx = dy / (1 + exp(-beta x))``.
    Source
        Dugas et al. 2001; with beta 1 Caffe ``BNLLLayer``.
    Example
        {type: Softplus}
    """

    relu_like: ClassVar[bool] = True

    beta: float = field(1.0, above=0, doc="steepness of the bend")

    def value(self, b: Builder, x: Value) -> Value:
        return softplus(b, x) if self.beta == 1 else softplus(b, self.beta * x) * (1 / self.beta)
