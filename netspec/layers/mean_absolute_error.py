"""MeanAbsoluteError."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from netspec.layers import axes
from netspec.spec.layer import Layer, Shape, layer

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value


@layer
class MeanAbsoluteError(Layer):
    """How far predictions are off, in their own unit: the mean of ``|x - t|``.

    Shapes
        x : N x ..; t : as many -> a single number.
    Gradient
        None; L1Loss is the loss.
    Source
        Willmott and Matsuura 2005.
    Example
        {type: MeanAbsoluteError, bottom: [x, y]}
    """

    bottoms: ClassVar[tuple[int, int | None]] = (2, 2)
    is_metric: ClassVar[bool] = True

    def shapes(self, x: Shape, target: Shape) -> Shape:
        axes.same_count(x, target, "targets")
        return ()

    def lower(self, b: Builder, x: Value, target: Value) -> Value:
        return b.as_scalar(b.mean(b.abs(x - b.reshape(b.to_float(target), x.shape))))
