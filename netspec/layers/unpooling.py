"""Unpooling."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar

from netspec.layers import axes, indices
from netspec.layers.sliding import Sliding
from netspec.spec.layer import Problem, Shape, ShapeError, field, layer

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value
    from runtime.ops import Pair


@layer
class Unpooling(Sliding):
    """Values put back where a max pooling took them from, zeros elsewhere.

    Shapes
        x : N x C x H x W; places, as x : the second top of the Pooling; like : N x C' x Ho x Wo,
        whose height and width are taken -> y : N x C x Ho x Wo. Without ``like`` they are
        ``unpool_size``, or ``Ho = stride (H - 1) + kernel - 2 pad``, the inverse of Pooling.
    Formula
        ``y[n, c, p] = sum of x[n, c, i, j] with places[n, c, i, j] = p``, ``p = h Wo + w``:
        where windows overlap and name one place, their values are added. Without ``places`` a
        value goes to the top left of its window, ``(stride i, stride j)``; this takes no pad.
    Gradient
        dy at the places named; a place outside the map is nowhere.
    Source
        Zeiler and Fergus 2014; Noh et al. 2015; top left: Dosovitskiy et al. 2015.
    Example
        - {name: pool, type: Pooling, kernel_size: 2, stride: 2, top: [pooled, where]}
        - {name: back, type: Unpooling, bottom: [pooled, where, x]}
    """

    bottoms: ClassVar[tuple[int, int | None]] = (1, 3)
    index_bottoms: ClassVar[tuple[int, ...]] = (1,)
    passes_on: ClassVar[bool] = True

    unpool_size: tuple[int, ...] = field((), minimum=1, doc="size of the top: one, or height and width", unit="pixels")

    def problems(self) -> Iterator[Problem]:
        yield from super().problems()
        yield from self.too_long("unpool_size")

    def shapes(self, x: Shape, places: Shape | None = None, like: Shape | None = None) -> Shape:
        axes.four_axes("Unpooling", x)
        if places is not None and places != x:
            message = f"every value needs a place: {axes.times(x)} values, {axes.times(places)} places"
            raise ShapeError("E415", message, "the second top of the Pooling has them")
        size = self._size(x, like)
        if places is None:
            self._check_corners(x, size)
        return *x[:2], *size

    def _size(self, x: Shape, like: Shape | None) -> Pair:
        if like is not None:
            axes.four_axes("Unpooling", like)
            return like[2], like[3]
        if self.unpool_size:
            return self.unpool_size[0], self.unpool_size[-1]
        missing = next(self.kernel_missing(), None)
        if missing is not None:
            hint = f"give a third bottom of that size, unpool_size: {2 * x[2]}, or kernel_size and stride"
            raise ShapeError("E502", "Unpooling needs the size of its top", hint)
        rows, columns = (self.positive(a, a.deconvolved(), x, inverse=True) for a in self.axes(x))
        return rows, columns

    def _check_corners(self, x: Shape, size: Pair) -> None:
        """Raise ShapeError unless every window's top left is in the map."""
        if self.pads != (0, 0):
            raise ShapeError("E427", "without places there is no window to pad", "drop pad", "pad")
        for k, axis in enumerate(self.axes(x)):
            last = (axis.size - 1) * axis.stride
            if last >= size[k]:
                message = f"the last value would go to {axis.name.removesuffix('s')} {last} of {size[k]}"
                raise ShapeError("E427", message, f"unpool_size {last + 1} or more fits", "unpool_size")

    def lower(self, b: Builder, x: Value, places: Value | None = None, like: Value | None = None) -> Value:
        rows, columns = self._size(x.shape, None if like is None else like.shape)
        if places is None:
            at = b.index(x.shape, 2) * (self.steps[0] * columns) + b.index(x.shape, 3) * self.steps[1]
        else:
            at = indices.as_index(b, places)
        return b.scatter_places(x, at, (rows, columns))
