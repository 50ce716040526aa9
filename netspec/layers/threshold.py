"""Threshold."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netspec.layers.neuron import Neuron
from netspec.spec.layer import field, layer

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value


@layer
class Threshold(Neuron):
    """Whether an element is above a number, ``y = 1 if x > threshold else 0``.

    Shapes
        x : any -> y : same.
    Gradient
        None.
    Source
        Caffe ``ThresholdLayer``.
    Example
        {type: Threshold, threshold: 0.5}
    """

    threshold: float = field(0.0, doc="the number that x must exceed")

    def value(self, b: Builder, x: Value) -> Value:
        return b.to_float(x > self.threshold)
