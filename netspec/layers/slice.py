"""Slice."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING, ClassVar

from netspec.layers import axes
from netspec.spec.layer import Layer, Problem, Shape, ShapeError, field, layer

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value


@layer
class Slice(Layer):
    """A blob cut into parts along an axis.

    Shapes
        x : any -> as many tops as are named, alike but for ``axis``: cut before each of
        ``slice_point``, or in equal parts without.
    Gradient
        dx is the parts' gradients one after another.
    Source
        Caffe ``SliceLayer``.
    Example
        - {name: parts, type: Slice, slice_point: [1], top: [first, rest]}
        - {name: relu, type: ReLU, bottom: first}
        - {name: tanh, type: TanH, bottom: rest}
    """

    tops: ClassVar[tuple[int, int | None]] = (1, None)
    passes_on: ClassVar[bool] = True
    moves_only: ClassVar[bool] = True

    axis: int = field(1, doc="the axis that is cut")
    slice_point: tuple[int, ...] = field(
        (), minimum=1, doc="where the second and later parts begin; default: equal parts"
    )

    def problems(self) -> Iterator[Problem]:
        yield from super().problems()
        if any(low >= high for low, high in pairwise(self.slice_point)):
            order = ", ".join(map(str, sorted(set(self.slice_point))))
            yield Problem("E418", "slice_point", "slice_point must rise", f"slice_point: [{order}]")

    def shapes(self, x: Shape) -> tuple[Shape, ...]:
        axis = axes.canonical(self.axis, len(x))
        return tuple((*x[:axis], stop - start, *x[axis + 1 :]) for start, stop in self._parts(x[axis]))

    def _parts(self, size: int) -> list[tuple[int, int]]:
        """Start and stop of each part."""
        count = len(self.top_names) or len(self.slice_point) + 1
        if not self.slice_point:
            if size % count:
                raise ShapeError("E418", f"{size} does not split into {count} equal parts", "give slice_point", "axis")
            return [(k * size // count, (k + 1) * size // count) for k in range(count)]
        if len(self.slice_point) != count - 1:
            raise ShapeError(
                "E418",
                f"{len(self.slice_point)} slice points make {len(self.slice_point) + 1} parts, there are {count} tops",
                f"name {len(self.slice_point) + 1} tops",
                "slice_point",
            )
        if self.slice_point[-1] >= size:
            raise ShapeError(
                "E418",
                f"slice point {self.slice_point[-1]} leaves nothing behind it: the axis has {size}",
                None,
                "slice_point",
            )
        return list(pairwise((0, *self.slice_point, size)))

    def lower(self, b: Builder, x: Value) -> tuple[Value, ...]:
        axis = axes.canonical(self.axis, x.rank)
        return tuple(b.slice(x, axis, start, stop) for start, stop in self._parts(x.shape[axis]))
