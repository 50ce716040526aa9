"""EndPointError."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, ClassVar

from netspec.layers.axes import times
from netspec.layers.lengths import length
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
        if len(x) < 2:
            raise ShapeError("E413", f"EndPointError works on N x C and further axes, its bottoms are {times(x)}")
        return ()

    def lower(self, b: Builder, x: Value, target: Value) -> Value:
        distances = length(b, x - target)
        return b.as_scalar(b.sum(distances)) * (1.0 / max(1, prod(distances.shape)))
