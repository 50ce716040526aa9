"""ReLU6."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from netspec.layers.neuron import Neuron
from netspec.spec.layer import layer

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value


@layer
class ReLU6(Neuron):
    """Rectified linear unit with a ceiling, ``y = min(max(x, 0), 6)``.

    Shapes
        x : any -> y : same, between 0 and 6.
    Gradient
        1 between 0 and 6, 0 elsewhere and at both.
    Source
        Krizhevsky 2010, convolutional deep belief networks on CIFAR-10.
    Example
        {type: ReLU6}
    """

    relu_like: ClassVar[bool] = True

    def value(self, b: Builder, x: Value) -> Value:
        return b.minimum(6.0, b.maximum(0.0, x))
