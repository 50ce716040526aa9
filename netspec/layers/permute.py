"""Permute."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar

from netspec.layers import axes
from netspec.spec.layer import Layer, Problem, Shape, field, layer

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value


@layer
class Permute(Layer):
    """Axes in another order.

    Shapes
        x : any -> y : axis k of y is axis ``order[k]`` of x; axes that ``order`` leaves out follow as they are.
        ``order: [0, 2, 3, 1]`` makes N x H x W x C of N x C x H x W.
    Gradient
        dy with the axes put back.
    Source
        NVIDIA Caffe (SSD) ``PermuteLayer``.
    Example
        {type: Permute, order: [0, 2, 3, 1]}
    """

    passes_on: ClassVar[bool] = True
    moves_only: ClassVar[bool] = True

    order: tuple[int, ...] = field(doc="for each axis of the top, the axis of the bottom that it is")

    def problems(self) -> Iterator[Problem]:
        yield from super().problems()
        if len(set(self.order)) < len(self.order):
            kept = ", ".join(map(str, dict.fromkeys(self.order)))
            yield Problem("E440", "order", "an axis is in order twice", f"order: [{kept}]")

    def shapes(self, x: Shape) -> Shape:
        return tuple(x[k] for k in self._order(len(x)))

    def _order(self, rank: int) -> list[int]:
        named = list(dict.fromkeys(axes.canonical(k, rank, "order") for k in self.order))
        return named + [k for k in range(rank) if k not in named]

    def lower(self, b: Builder, x: Value) -> Value:
        return b.transpose(x, self._order(x.rank))
