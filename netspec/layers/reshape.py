"""Reshape."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import TYPE_CHECKING, ClassVar

from netspec.layers import axes
from netspec.spec.layer import Layer, Problem, Shape, ShapeError, field, layer

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value


@layer
class Reshape(Layer):
    """The same values in N C H W order under another shape.

    Shapes
        x : any -> y : the axes from ``axis`` on (``num_axes`` of them, -1: all) replaced by
        ``shape``, where 0 copies the bottom's axis at that place and one -1 takes what is left.
        ``shape: [0, -1]`` is Flatten.
    Gradient
        dy in the shape of x.
    Source
        Caffe ``ReshapeLayer``.
    Example
        {type: Reshape, shape: [0, 9, -1]}
    """

    passes_on: ClassVar[bool] = True
    moves_only: ClassVar[bool] = True

    shape: tuple[int, ...] = field(minimum=-1, doc="new sizes; 0: as the bottom, -1: what is left")
    axis: int = field(0, doc="first axis that is replaced")
    num_axes: int = field(-1, minimum=-1, doc="axes that are replaced; -1: all from axis on")

    def problems(self) -> Iterator[Problem]:
        yield from super().problems()
        if self.shape.count(-1) > 1:
            yield Problem("E419", "shape", "only one size can be -1", "write all but one as numbers or 0")

    def shapes(self, x: Shape) -> Shape:
        first = axes.canonical(self.axis, len(x), end=True)
        if self.num_axes > len(x) - first:
            raise ShapeError(
                "E417", f"num_axes {self.num_axes} from axis {first} on: the bottom has {len(x)} axes", None, "num_axes"
            )
        behind = len(x) if self.num_axes < 0 else first + self.num_axes
        made = self._filled(x, first, behind, self.shape)
        if made is None:
            sizes = ("?" if n < 0 else str(n or x[first + k]) for k, n in enumerate(self.shape))
            wanted = " x ".join([*map(str, x[:first]), *sizes, *map(str, x[behind:])])
            message = f"{axes.times(x)} has {prod(x)} values, they do not fit in {wanted}"
            raise ShapeError("E419", message, self._fitting(x, first, behind), "shape")
        return *x[:first], *made, *x[behind:]

    def _filled(self, x: Shape, first: int, behind: int, shape: tuple[int, ...]) -> list[int] | None:
        """``shape`` with its 0 and -1 filled in, None if the values do not fit."""
        middle = []
        for k, n in enumerate(shape):
            if n == 0 and first + k >= len(x):
                message = f"0 at place {first + k} copies an axis that {axes.times(x)} lacks"
                raise ShapeError("E419", message, None, "shape")
            middle.append(x[first + k] if n == 0 else n)
        count, known = prod(x[first:behind]), prod(n for n in middle if n > 0)
        if -1 not in middle:
            return middle if known == count else None
        if known == 0 or count % known:
            return None
        middle[middle.index(-1)] = count // known
        return middle

    def _fitting(self, x: Shape, first: int, behind: int) -> str | None:
        """What to write: the same shape with -1 at one place if that is enough, else [0, -1]."""
        places = range(len(self.shape) - 1, -1, -1) if -1 not in self.shape else ()
        tries = [tuple(-1 if k == place else n for k, n in enumerate(self.shape)) for place in places]
        for shape in (*tries, (0, -1)):
            try:
                fits = self._filled(x, first, behind, shape) is not None
            except ShapeError:
                continue
            if fits:
                return f"shape: [{', '.join(map(str, shape))}]"
        return None

    def lower(self, b: Builder, x: Value) -> Value:
        return b.reshape(x, self.shapes(x.shape))
