"""Normal random numbers, all or a few of them."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, ClassVar

from netspec.spec.layer import Filler, field, filler

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value
    from netspec.spec.layer import Shape


@filler(name="gaussian")
class Gaussian(Filler):
    """``w ~ N(mean, std^2)``; with ``sparse`` all but about that many weights of each output are 0.

    An element is kept with probability ``sparse / fan_in`` (Caffe divides by
    the number of outputs, which is the same for square weights only).

    Source
        Caffe ``GaussianFiller``.
    """

    draws: ClassVar[bool] = True

    mean: float = field(0.0, doc="mean")
    std: float = field(1.0, minimum=0, doc="standard deviation")
    sparse: int = field(-1, minimum=-1, doc="expected non-zero weights of each output; -1: all")

    def lower(self, b: Builder, shape: Shape, stream: int) -> Value:
        w = b.normal(shape, stream) * self.std + self.mean
        if self.sparse < 0:
            return w
        fan_in = prod(shape[1:])
        return b.where(b.uniform(shape, stream) < self.sparse / max(1, fan_in), w, 0.0)
