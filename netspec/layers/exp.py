"""Exp."""

from __future__ import annotations

from collections.abc import Iterator
from math import log
from typing import TYPE_CHECKING

from netspec.layers.neuron import Neuron, base_problems, line
from netspec.spec.layer import Problem, field, layer

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value


@layer
class Exp(Neuron):
    """Exponential of a line, ``y = base^(shift + scale x)``.

    Shapes
        x : any -> y : same, positive.
    Gradient
        ``dx = dy y scale log(base)``.
    Source
        Caffe ``ExpLayer``.
    Example
        {type: Exp, base: 2, scale: -1}
    """

    base: float = field(-1.0, doc="base, above 0; -1: e")
    scale: float = field(1.0, doc="factor on x")
    shift: float = field(0.0, doc="added to the product")

    def problems(self) -> Iterator[Problem]:
        yield from super().problems()
        yield from base_problems(self.base)

    def value(self, b: Builder, x: Value) -> Value:
        factor = 1.0 if self.base == -1 else log(self.base)
        return b.exp(line(x, factor * self.scale, factor * self.shift))
