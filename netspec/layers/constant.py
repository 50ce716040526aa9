"""Constant."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from netspec.fillers.constant import Constant as Number
from netspec.fillers.values import Values, flat
from netspec.layers import axes
from netspec.spec.layer import Filler, Layer, Shape, ShapeError, field, layer

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value


@layer
class Constant(Layer):
    """A blob that nothing changes: it is neither learned nor part of a snapshot.

    Shapes
        -> y : ``shape``.
    Formula
        As the filler says, which may not be a random one: DummyData draws anew in every
        iteration, a Parameter with ``lr_mult: 0`` keeps what it drew.
    Gradient
        None.
    Source
        netspec's own.
    Example
        - {name: half, type: Constant, shape: [3, 6, 6], filler: 0.5}
        - {name: sum, type: Expression, bottom: [x, half], expr: x + half}
    """

    bottoms: ClassVar[tuple[int, int | None]] = (0, 0)

    shape: tuple[int, ...] = field(minimum=1, doc="sizes of the blob")
    filler: Filler | None = field(None, doc="its values; default: 0")

    def shapes(self) -> Shape:
        axes.check_filler(self.filler, self.shape, "filler")
        if self.filler is not None and self.filler.draws:
            message = f"{self.filler.type_name} draws new numbers in every iteration, a Constant stays as it is"
            raise ShapeError("E423", message, "type: DummyData, or a Parameter with lr_mult: 0", "filler")
        return self.shape

    def numbers(self) -> tuple[float, ...]:
        """Return the different values it holds, as far as the spec lists them."""
        if isinstance(self.filler, Values):
            return tuple(sorted(set(flat(self.filler.values_))))
        filler = self.filler or Number(value=0.0)
        return (filler.value,) if isinstance(filler, Number) else ()

    def lower(self, b: Builder) -> Value:
        return (self.filler or Number(value=0.0)).lower(b, self.shape, b.stream(self.name))
