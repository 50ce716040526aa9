"""Expand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netspec.layers import axes
from netspec.spec.layer import Layer, Shape, ShapeError, field, layer

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value


@layer
class Expand(Layer):
    """Axes of size 1 repeated to other sizes, as NumPy broadcasts.

    Shapes
        x : any -> y : ``shape``, in which 0 is the size that x has there; the last axes of
        both belong together.
    Gradient
        The sum of dy over the copies.
    Source
        ONNX ``Expand``.
    Example
        - {name: mean, type: Reduction, operation: mean, axis: 2}
        - {name: column, type: Reshape, shape: [0, 0, 1, 1]}
        - {name: map, type: Expand, shape: [0, 0, 6, 6]}
    """

    shape: tuple[int, ...] = field(minimum=0, doc="sizes of the top, batch first; 0: the bottom's")

    def shapes(self, x: Shape) -> Shape:
        wide = (*(1,) * (len(self.shape) - len(x)), *x)
        made = tuple(given or own for given, own in zip(self.shape, wide, strict=len(wide) == len(self.shape)))
        if len(wide) != len(self.shape) or any(own not in (1, n) for own, n in zip(wide, made, strict=True)):
            message = f"{axes.times(x)} does not broadcast to {axes.times(self.shape)}"
            sizes = (0,) * (len(x) - len(self.shape)) + self.shape
            own = (*(1,) * (len(sizes) - len(x)), *x)
            fitting = [given if n in (1, given) else 0 for given, n in zip(sizes, own, strict=True)]
            raise ShapeError("E419", message, f"shape: {fitting}", "shape")
        return made

    def lower(self, b: Builder, x: Value) -> Value:
        return b.broadcast_to(x, self.shapes(x.shape))
