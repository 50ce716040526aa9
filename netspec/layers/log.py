"""Log."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

from netspec.layers.neuron import Neuron, base_problems, line
from netspec.spec.layer import Problem, field, layer

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value


@layer
class Log(Neuron):
    """Logarithm of a line, ``y = log(shift + scale x) / log(base)``.

    Shapes
        x : any -> y : same; NaN where the line is negative, -inf where it is 0.
    Gradient
        ``dx = dy scale / ((shift + scale x) log(base))``.
    Source
        Caffe ``LogLayer``.
    Example
        {type: Log, base: 2, shift: 1}
    """

    base: float = field(-1.0, doc="base, above 0 and not 1; -1: e")
    scale: float = field(1.0, doc="factor on x")
    shift: float = field(0.0, doc="added to the product")

    def problems(self) -> Iterator[Problem]:
        yield from super().problems()
        yield from base_problems(self.base)
        if self.base == 1:
            yield Problem("E504", "base", "no power of base 1 is another number", "base: 2, or -1 for e")

    def value(self, b: Builder, x: Value) -> Value:
        y = b.log(line(x, self.scale, self.shift))
        return y if self.base == -1 else y * (1 / math.log(self.base))
