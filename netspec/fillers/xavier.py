"""Weights that keep the variance of the activations."""

from __future__ import annotations

from math import sqrt
from typing import TYPE_CHECKING

from netspec.fillers.fan import FanFiller
from netspec.spec.layer import filler

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value
    from netspec.spec.layer import Shape


@filler(name="xavier")
class Xavier(FanFiller):
    """``w ~ U(-s, s)``, ``s = sqrt(3 / n)``: variance 1 / n.

    Source
        Glorot and Bengio 2010; Caffe ``XavierFiller``, which takes n = fan_in.
    """

    def lower(self, b: Builder, shape: Shape, stream: int) -> Value:
        s = sqrt(3 / self.fan(shape))
        return b.uniform(shape, stream) * (2 * s) - s
