"""Power."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netspec.layers.neuron import Neuron, line
from netspec.spec.layer import field, layer

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value


@layer
class Power(Neuron):
    """Power of a line, ``y = (shift + scale x)^power``.

    Shapes
        x : any -> y : same.
    Formula
        A whole power of a negative number is a number; any other is NaN. ``power: 0``
        is 1 everywhere.
    Gradient
        ``dx = dy power scale (shift + scale x)^(power - 1)``, right at a base of 0 too:
        0 for a power above 1.
    Source
        Caffe ``PowerLayer``.
    Example
        {type: Power, power: 2, scale: 0.5, shift: 1}
    """

    power: float = field(1.0, doc="exponent")
    scale: float = field(1.0, doc="factor on x")
    shift: float = field(0.0, doc="added to the product")

    def value(self, b: Builder, x: Value) -> Value:
        # Caffe's constant: inf * 0 of a far-off x would be NaN
        if self.power == 0:
            return b.full(x.shape, 1.0)
        if self.scale == 0:
            return b.full(x.shape, self.shift) ** self.power
        base = line(x, self.scale, self.shift)
        return base if self.power == 1 else base**self.power
