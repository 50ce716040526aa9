"""ELU."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from netspec.layers.neuron import Neuron, elu
from netspec.spec.layer import field, layer

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value


@layer
class ELU(Neuron):
    """Exponential linear unit, ``y = x if x > 0 else alpha (exp(x) - 1)``.

    Shapes
        x : any -> y : same.
    Gradient
        ``dx = dy`` for x > 0, else ``dy alpha exp(x)``.
    Source
        Clevert, Unterthiner and Hochreiter 2016; Caffe ``ELULayer``.
    Example
        {type: ELU}
    """

    relu_like: ClassVar[bool] = True

    alpha: float = field(1.0, doc="-alpha is the limit for large negative x")

    def value(self, b: Builder, x: Value) -> Value:
        return elu(b, x, self.alpha)
