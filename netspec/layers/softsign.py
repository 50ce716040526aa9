"""Softsign."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netspec.layers.neuron import Neuron
from netspec.spec.layer import layer

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value


@layer
class Softsign(Neuron):
    """Sigmoid of slow tails, ``y = x / (1 + |x|)``.

    Shapes
        x : any -> y : same, between -1 and 1.
    Gradient
        ``dx = dy / (1 + |x|)^2``.
    Source
        Bergstra et al. 2009; Glorot and Bengio 2010.
    Example
        {type: Softsign}
    """

    def value(self, b: Builder, x: Value) -> Value:
        return x / (1.0 + b.abs(x))
