"""AbsVal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netspec.layers.neuron import Neuron
from netspec.spec.layer import layer

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value


@layer
class AbsVal(Neuron):
    """Absolute value, ``y = |x|``.

    Shapes
        x : any -> y : same.
    Gradient
        ``dx = dy sign(x)``, 0 at 0.
    Source
        Caffe ``AbsValLayer``.
    Example
        {type: AbsVal}
    """

    def value(self, b: Builder, x: Value) -> Value:
        return b.abs(x)
