"""Cos."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netspec.layers.neuron import Neuron
from netspec.spec.layer import layer

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value


@layer
class Cos(Neuron):
    """Cosine, ``y = cos(x)``.

    Shapes
        x : any, radians -> y : same.
    Gradient
        ``dx = -dy sin(x)``.
    Source
        netspec's own.
    Example
        {type: Cos}
    """

    def value(self, b: Builder, x: Value) -> Value:
        return b.cos(x)
