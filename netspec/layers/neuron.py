"""What the layers share that map each element alone."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

from netspec.spec.layer import Layer, Problem, Shape

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value


class Neuron(Layer):
    """Base of the layers that map each element alone: the top has the shape of the bottom."""

    def shapes(self, x: Shape) -> Shape:
        return x

    def lower(self, b: Builder, x: Value) -> Value:
        return self.value(b, b.to_float(x))

    def value(self, b: Builder, x: Value) -> Value:
        """Return y for a floating x."""
        raise NotImplementedError(type(self).__name__)


def softplus(b: Builder, x: Value) -> Value:
    """``log(1 + exp x)``, which no x overflows."""
    size = b.abs(x)
    # (x + |x|) / 2 for max(x, 0): its slope at 0 is 1/2, as that of softplus
    return 0.5 * (x + size) + b.log(1.0 + b.exp(-size))


def elu(b: Builder, x: Value, alpha: float) -> Value:
    """``x if x > 0 else alpha (exp(x) - 1)``."""
    # exp of a large positive x is inf, and its gradient 0 * inf: clipped first
    return b.where(x > 0, x, alpha * (b.exp(b.minimum(x, 0.0)) - 1.0))


def line(x: Value, scale: float, shift: float) -> Value:
    """``shift + scale x``, without the operations that change nothing."""
    product = x if scale == 1 else scale * x
    return product if shift == 0 else product + shift


def base_problems(base: float) -> Iterator[Problem]:
    """Yield what is wrong with the base of a power: it must be -1, which stands for e, or positive."""
    if base != -1 and not 0 < base < math.inf:
        yield Problem("E504", "base", f"base {base:g} is not above 0", "base: -1 means e")
