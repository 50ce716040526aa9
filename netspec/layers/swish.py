"""Swish."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from netspec.layers.neuron import Neuron
from netspec.spec.layer import field, layer

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value


@layer(aliases=("SiLU",))
class Swish(Neuron):
    """Linear unit with a soft gate, ``y = x / (1 + exp(-beta x))``.

    Shapes
        x : any -> y : same.
    Gradient
        ``dx = dy (s + beta y (1 - s))`` with s the gate.
    Source
        Ramachandran, Zoph and Le 2017; with beta 1 SiLU, Elfwing et al. 2017; Caffe
        ``SwishLayer``.
    Example
        {type: Swish, beta: 1.5}
    """

    relu_like: ClassVar[bool] = True

    beta: float = field(1.0, doc="steepness of the gate")

    def value(self, b: Builder, x: Value) -> Value:
        return x * b.sigmoid(x if self.beta == 1 else self.beta * x)
