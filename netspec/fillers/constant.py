"""Every element the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netspec.spec.layer import Filler, field, filler

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value
    from netspec.spec.layer import Shape


@filler(name="constant")
class Constant(Filler):
    """``w = value``; a bare number in a spec means this filler.

    Source
        Caffe ``ConstantFiller``.
    """

    value: float = field(0.0, doc="what every element is")

    def lower(self, b: Builder, shape: Shape, stream: int) -> Value:
        return b.full(shape, self.value)
