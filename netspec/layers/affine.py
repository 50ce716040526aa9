"""A factor or a summand along some axes: what Scale and Bias share."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from netspec.fillers.constant import Constant
from netspec.layers import axes, hints
from netspec.spec.layer import Filler, Layer, Shape, ShapeError, field

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value


class Along(Layer):
    """Base of the layers whose operand, learned or a second bottom, lies along some axes of the first."""

    bottoms: ClassVar[tuple[int, int | None]] = (1, 2)
    passes_on: ClassVar[bool] = True
    operand: ClassVar[str]  # what it is called in messages

    axis: int = field(1, doc="first axis of the operand")
    num_axes: int = field(1, minimum=-1, doc="axes of a learned operand; -1: all from axis on, 0: a single number")
    filler: Filler | None = field(None, doc="start of a learned operand")

    def shapes(self, *bottoms: Shape) -> Shape:
        x = bottoms[0]
        operand = self.operand_shape(*bottoms)
        axis = self._axis(x)
        if operand != x[axis : axis + len(operand)]:
            raise ShapeError(
                "E415",
                f"the {self.operand} is {axes.times(operand)}, the axes of x from {axis} on are {axes.times(x[axis:])}",
                self._axis_hint(x, operand),
                field="axis",
            )
        axes.check_filler(self.filler, operand, "filler")
        return x

    def _axis_hint(self, x: Shape, operand: Shape) -> str | None:
        """Where the second bottom fits, as it is or without its last axes of size 1."""
        places = range(len(x))
        found = next((k for k in places if operand == x[k : k + len(operand)]), None)
        if found is not None:
            return f"axis: {found}"
        short = operand
        while short and short[-1] == 1:
            short = short[:-1]
        found = next((k for k in places if short and short == x[k : k + len(short)]), None)
        if found is None:
            return None
        reshape = hints.through(hints.name_of(self, 1), "Reshape", f"shape: {[0] * len(short)}")
        return reshape if found == self.axis else f"{reshape}, with axis: {found}"

    def _axis(self, x: Shape) -> int:
        return axes.canonical(self.axis, len(x), end=self.axis >= 0)

    def operand_shape(self, *bottoms: Shape) -> Shape:
        """Return the operand's own shape."""
        x = bottoms[0]
        if len(bottoms) == 2:
            return bottoms[1]
        axis = self._axis(x)
        if self.num_axes > len(x) - axis:
            message = f"num_axes {self.num_axes} from axis {axis} on: the bottom has {len(x)} axes"
            raise ShapeError("E417", message, "num_axes: -1 for all from there on", "num_axes")
        return x[axis:] if self.num_axes < 0 else x[axis : axis + self.num_axes]

    def learned_or_given(self, b: Builder, name: str, start: float, *bottoms: Value) -> Value:
        """The second bottom; without one the parameter ``name``, which starts as the filler says, else at ``start``."""
        if len(bottoms) == 2:
            return bottoms[1]
        return b.param(name, self.operand_shape(bottoms[0].shape), self.filler or Constant(value=start))

    def widened(self, b: Builder, x: Value, operand: Value) -> Value:
        """An operand in a shape that broadcasts to that of x."""
        axis = self._axis(x.shape)
        return b.reshape(operand, (*(1,) * axis, *operand.shape, *(1,) * (x.rank - axis - operand.rank)))
