"""Tile."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netspec.layers import axes
from netspec.spec.layer import Layer, Shape, field, layer

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value


@layer
class Tile(Layer):
    """Copies one after another along an axis.

    Shapes
        x : any -> y : ``tiles`` times as long along ``axis``.
    Gradient
        The sum of dy over the copies.
    Source
        Caffe ``TileLayer``.
    Example
        {type: Tile, axis: 2, tiles: 3}
    """

    axis: int = field(1, doc="the axis along which the copies lie")
    tiles: int = field(minimum=1, doc="how many copies")

    def shapes(self, x: Shape) -> Shape:
        axis = axes.canonical(self.axis, len(x))
        return *x[:axis], self.tiles * x[axis], *x[axis + 1 :]

    def lower(self, b: Builder, x: Value) -> Value:
        axis = axes.canonical(self.axis, x.rank)
        each = b.reshape(x, (*x.shape[:axis], 1, *x.shape[axis:]))
        copies = b.broadcast_to(each, (*x.shape[:axis], self.tiles, *x.shape[axis:]))
        return b.reshape(copies, self.shapes(x.shape))
