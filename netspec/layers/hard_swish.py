"""HardSwish."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from netspec.layers.neuron import Neuron
from netspec.spec.layer import layer

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value


@layer
class HardSwish(Neuron):
    """Linear unit with a gate made of three lines, ``y = x min(max(x / 6 + 1/2, 0), 1)``.

    Shapes
        x : any -> y : same.
    Gradient
        ``dx = dy (gate + x / 6)`` between -3 and 3; dy above, 0 below.
    Source
        Howard et al. 2019, MobileNetV3.
    Example
        {type: HardSwish}
    """

    relu_like: ClassVar[bool] = True

    def value(self, b: Builder, x: Value) -> Value:
        return x * b.minimum(1.0, b.maximum(0.0, x * (1 / 6) + 0.5))
