"""Weights that keep the variance through rectified units."""

from __future__ import annotations

from math import sqrt
from typing import TYPE_CHECKING

from netspec.fillers.fan import FanFiller
from netspec.spec.layer import filler

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value
    from netspec.spec.layer import Shape


@filler(name="msra")
class Msra(FanFiller):
    """``w ~ N(0, 2 / n)``: half of the inputs are 0 behind a ReLU.

    Source
        He et al. 2015, equation 10; Caffe ``MSRAFiller``.
    """

    def lower(self, b: Builder, shape: Shape, stream: int) -> Value:
        return b.normal(shape, stream) * sqrt(2 / self.fan(shape))
