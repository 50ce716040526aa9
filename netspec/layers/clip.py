"""Clip."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from netspec.layers.neuron import Neuron
from netspec.spec.layer import Problem, field, layer

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value


@layer
class Clip(Neuron):
    """Bounds, ``y = min(max(x, min), max)``.

    Shapes
        x : any -> y : same, between ``min`` and ``max``.
    Gradient
        1 between the bounds and at both (Caffe), 0 beyond.
    Source
        Caffe ``ClipLayer``.
    Example
        {type: Clip, min: 0.2, max: 0.8}
    """

    min: float = field(doc="least value")
    max: float = field(doc="largest value")

    def problems(self) -> Iterator[Problem]:
        yield from super().problems()
        if self.min > self.max:
            yield Problem("E504", "min", f"min {self.min:g} is above max {self.max:g}", "exchange the two")

    def value(self, b: Builder, x: Value) -> Value:
        return b.minimum(b.maximum(x, self.min), self.max)
