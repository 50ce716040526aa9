"""Crop."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from netspec.layers import axes
from netspec.spec.layer import Layer, Shape, ShapeError, field, layer

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value


@layer
class Crop(Layer):
    """A part of the first bottom, as large as the second.

    Shapes
        x, reference -> y : x's axes before ``axis``, from there on those of the reference.
    Formula
        ``y[i, j, ..] = x[i + offset, j + offset, ..]`` along the axes from ``axis`` on.
    Gradient
        dy with zeros around; the reference only gives its size and gets none.
    Source
        Long, Shelhamer and Darrell 2015; Caffe ``CropLayer``.
    Example
        - {name: small, type: Convolution, num_output: 3, kernel_size: 3}
        - {name: cropped, type: Crop, bottom: [x, small], offset: 1}
    """

    bottoms: ClassVar[tuple[int, int | None]] = (2, 2)
    passes_on: ClassVar[bool] = True
    moves_each: ClassVar[bool] = True

    axis: int = field(2, doc="the first axis that is cut")
    offset: tuple[int, ...] = field((0,), minimum=0, doc="where the part begins: one for all axes, or one for each")

    def shapes(self, x: Shape, reference: Shape) -> Shape:
        if len(x) != len(reference):
            message = f"both bottoms need as many axes: {axes.times(x)} and {axes.times(reference)}"
            raise ShapeError("E425", message)
        axis = axes.canonical(self.axis, len(x))
        if len(self.offset) not in (1, len(x) - axis):
            message = f"{len(self.offset)} offsets for {len(x) - axis} axes"
            raise ShapeError("E425", message, "write one, or one for each axis", "offset")
        for k, start in enumerate(self._offsets(len(x) - axis), axis):
            room = x[k] - reference[k]
            if start > room:
                message = f"axis {k} has {x[k]}: there are no {reference[k]} from offset {start} on"
                raise ShapeError("E425", message, f"offset {room} fits" if room >= 0 else None, "offset")
        return *x[:axis], *reference[axis:]

    def _offsets(self, count: int) -> tuple[int, ...]:
        return self.offset * count if len(self.offset) == 1 else self.offset

    def lower(self, b: Builder, x: Value, reference: Value) -> Value:
        axis = axes.canonical(self.axis, x.rank)
        for k, start in enumerate(self._offsets(x.rank - axis), axis):
            if x.shape[k] != reference.shape[k]:
                x = b.slice(x, k, start, start + reference.shape[k])
        return x
