"""Sign."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netspec.layers.neuron import Neuron
from netspec.spec.layer import layer

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value


@layer
class Sign(Neuron):
    """Sign, ``y = -1, 0 or 1``.

    Shapes
        x : any -> y : same.
    Gradient
        None.
    Source
        netspec's own.
    Example
        {type: Sign}
    """

    def value(self, b: Builder, x: Value) -> Value:
        return b.sign(x)
