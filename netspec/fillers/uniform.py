"""Uniform random numbers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar

from netspec.spec.layer import Filler, Problem, field, filler

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value
    from netspec.spec.layer import Shape


@filler(name="uniform")
class Uniform(Filler):
    """``w ~ U[min, max)``; the default range is [0, 1), not symmetric.

    Source
        Caffe ``UniformFiller``.
    """

    draws: ClassVar[bool] = True

    min: float = field(0.0, doc="least value")
    max: float = field(1.0, doc="upper bound of the values")

    def problems(self) -> Iterator[Problem]:
        if self.min > self.max:
            yield Problem("E504", "min", f"min {self.min:g} is above max {self.max:g}", "exchange the two")

    def lower(self, b: Builder, shape: Shape, stream: int) -> Value:
        return b.uniform(shape, stream) * (self.max - self.min) + self.min
