"""EndPointError."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from netspec.layers.axes import channelled, times
from netspec.layers.distances import length
from netspec.spec.layer import Layer, Shape, ShapeError, layer

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value


@layer
class EndPointError(Layer):
    """Mean distance between two fields of vectors: how many pixels a flow's arrows end beside the true ones.

    Shapes
        x, t : N x C x .., alike (C = 2 for a flow) -> error : a single number.
    Formula
        ``mean over samples and places of sqrt(sum over C of (x - t)^2)``.
    Gradient
        Flows where a ``loss_weight`` makes it a loss; 0 where x and t agree.
    Source
        Otte and Nagel 1994; Dosovitskiy et al. 2015 (FlowNet).
    Example
        {type: EndPointError, bottom: [x, y]}
    """

    bottoms: ClassVar[tuple[int, int | None]] = (2, 2)
    is_metric: ClassVar[bool] = True

    def shapes(self, x: Shape, target: Shape) -> Shape:
        if x != target:
            message = f"the two fields must be alike: {times(x)} against {times(target)}"
            near = len(x) == len(target) == 4 and x[:2] == target[:2]
            names = ", ".join(reversed(self.bottom_names))
            hint = f"compare with {{type: Resample, bottom: [{names}]}}" if near else None
            raise ShapeError("E415", message, hint)
        channelled("EndPointError", x)
        return ()

    def lower(self, b: Builder, x: Value, target: Value) -> Value:
        return b.as_scalar(b.mean(length(b, x - target)))
