"""Axpy."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from netspec.layers import axes, hints
from netspec.spec.layer import Layer, Shape, ShapeError, layer

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value


@layer
class Axpy(Layer):
    """Channels scaled and added, ``z = a[n, c] x + y``.

    Shapes
        a : N x C (x 1 x 1); x, y : N x C x .. -> z : as x.
    Gradient
        ``da[n, c]`` = sum of ``dz x`` over the places, ``dx = a dz``, ``dy = dz``.
    Source
        Hu, Shen and Sun 2017; ``AxpyLayer`` of their Caffe.
    Example
        - {name: mean, type: Reduction, operation: mean, axis: 2}
        - {name: sum, type: Axpy, bottom: [mean, x, y]}
    """

    bottoms: ClassVar[tuple[int, int | None]] = (3, 3)

    def shapes(self, a: Shape, x: Shape, y: Shape) -> Shape:
        axes.channelled("Axpy", x)
        if a[:2] != x[:2] or any(n != 1 for n in a[2:]):
            message = f"the factor is {axes.times(a)}, channels of x are {axes.times(x[:2])}"
            hint = hints.reordered(self, (a, x, y), _fits)
            if hint is None and a[:2] == x[:2]:
                hint = hints.through(hints.name_of(self, 0), "Reduction", "operation: MEAN, axis: 2")
            raise ShapeError("E415", message, hint)
        if x != y:
            hint = hints.made_alike(hints.name_of(self, 2), y, hints.name_of(self, 1), x)
            raise ShapeError("E415", f"x and y differ: {axes.times(x)} and {axes.times(y)}", hint)
        return x

    def lower(self, b: Builder, a: Value, x: Value, y: Value) -> Value:
        return b.reshape(a, (*x.shape[:2], *(1,) * (x.rank - 2))) * x + y


def _fits(a: Shape, x: Shape, y: Shape) -> bool:
    return len(x) > 1 and a[:2] == x[:2] and all(n == 1 for n in a[2:]) and x == y
