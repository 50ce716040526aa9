"""Mish."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from netspec.layers.neuron import Neuron, softplus
from netspec.spec.layer import layer

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value


@layer
class Mish(Neuron):
    """Linear unit with a soft gate, ``y = x tanh(log(1 + exp x))``.

    Shapes
        x : any -> y : same.
    Gradient
        Flows through x and through its gate.
    Source
        Misra 2019.
    Example
        {type: Mish}
    """

    relu_like: ClassVar[bool] = True

    def value(self, b: Builder, x: Value) -> Value:
        return x * b.tanh(softplus(b, x))
