"""ELU."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from netspec.spec.layer import Layer, Shape, field, layer

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value


@layer
class ELU(Layer):
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

    def shapes(self, x: Shape) -> Shape:
        return x

    def lower(self, b: Builder, x: Value) -> Value:
        # exp of a large positive x is inf, and its gradient 0 * inf: clipped first
        return b.where(x > 0, x, self.alpha * (b.exp(b.minimum(x, 0.0)) - 1.0))
