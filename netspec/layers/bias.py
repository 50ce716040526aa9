"""Bias."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from netspec.layers.affine import Along
from netspec.spec.layer import Filler, Shape, field, layer

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value


@layer
class Bias(Along):
    """Sum with a learned or a given bias along some axes, ``y = x + bias``.

    Shapes
        x : any -> y : same. With one bottom the bias is a parameter of the shape of
        ``num_axes`` axes from ``axis`` on (-1: all the rest, 0: a single number); a
        second bottom is the bias itself, its axes are those of x from ``axis`` on.
    Learned
        bias (one bottom only).
    Gradient
        ``dbias`` is the sum over the axes that the bias lacks.
    Source
        Caffe ``BiasLayer``.
    Example
        {type: Bias, axis: 2, num_axes: 2}
    """

    operand: ClassVar[str] = "bias"

    filler: Filler | None = field(None, doc="start of a learned bias; default: 0")

    def param_shapes(self, *bottoms: Shape) -> dict[str, Shape]:
        return {} if len(bottoms) == 2 else {"bias": self.operand_shape(*bottoms)}

    def lower(self, b: Builder, *bottoms: Value) -> Value:
        x = bottoms[0]
        return x + self.widened(b, x, self.learned_or_given(b, "bias", 0.0, *bottoms))
