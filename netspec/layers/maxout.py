"""Maxout."""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING, ClassVar

from netspec.layers import axes
from netspec.spec.layer import Layer, Shape, ShapeError, field, layer

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value


@layer
class Maxout(Layer):
    """Largest of the pieces of each unit, ``y[c] = max over j of x[j C + c]``.

    Shapes
        x : N x (pieces C) x .. -> y : N x C x ..; the layer before it makes the first piece
        of all units, then the second of all, and so on.
    Gradient
        dy to the first largest piece.
    Source
        Goodfellow et al. 2013, equation 1; of two pieces the max-feature-map of Wu et al. 2018.
    Example
        - {name: pieces, type: InnerProduct, num_output: 8}
        - {name: maxout, type: Maxout, pieces: 2}
    """

    relu_like: ClassVar[bool] = True

    pieces: int = field(2, minimum=1, doc="linear pieces of a unit")
    axis: int = field(1, doc="the axis of the pieces")

    def shapes(self, x: Shape) -> Shape:
        axis = axes.canonical(self.axis, len(x))
        if x[axis] % self.pieces:
            wanted = x[axis] + self.pieces - x[axis] % self.pieces
            hint = f"num_output: {wanted} in the layer before it"
            raise ShapeError("E414", f"{x[axis]} values are not a multiple of {self.pieces} pieces", hint, "pieces")
        return *x[:axis], x[axis] // self.pieces, *x[axis + 1 :]

    def lower(self, b: Builder, x: Value) -> Value:
        axis = axes.canonical(self.axis, x.rank)
        units = x.shape[axis] // self.pieces
        return reduce(b.maximum, (b.slice(x, axis, j * units, (j + 1) * units) for j in range(self.pieces)))
