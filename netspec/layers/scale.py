"""Scale."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar

from netspec.fillers.constant import Constant
from netspec.layers import axes
from netspec.layers.affine import Along
from netspec.spec.layer import Filler, Problem, Shape, field, layer

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value


@layer
class Scale(Along):
    """Product with a learned or a given factor along some axes, ``y = scale x + bias``.

    Shapes
        x : any -> y : same. With one bottom the factor is a parameter of the shape of
        ``num_axes`` axes from ``axis`` on (-1: all the rest, 0: a single number); a
        second bottom is the factor itself, its axes are those of x from ``axis`` on.
    Learned
        scale (one bottom only), bias : as the factor.
    Gradient
        ``dscale`` and ``dbias`` are sums over the axes that the factor lacks.
    Source
        Caffe ``ScaleLayer``; with ``bias_term`` it follows a BatchNorm.
    Example
        {type: Scale, bias_term: true}
    """

    operand: ClassVar[str] = "factor"

    filler: Filler | None = field(None, doc="start of a learned factor; default: 1")
    bias_term: bool = field(False, doc="add a learned bias of the same shape")
    bias_filler: Filler | None = field(None, doc="start of the bias; default: 0")

    def problems(self) -> Iterator[Problem]:
        yield from super().problems()
        if self.bias_filler is not None and not self.bias_term:
            yield Problem("W125", "bias_filler", "bias_filler has no effect: bias_term is false", "drop it", "warning")

    def shapes(self, *bottoms: Shape) -> Shape:
        if self.bias_term:
            axes.check_filler(self.bias_filler, self.operand_shape(*bottoms), "bias_filler")
        return super().shapes(*bottoms)

    def param_shapes(self, *bottoms: Shape) -> dict[str, Shape]:
        factor = self.operand_shape(*bottoms)
        scale = {} if len(bottoms) == 2 else {"scale": factor}
        return {**scale, "bias": factor} if self.bias_term else scale

    def lower(self, b: Builder, *bottoms: Value) -> Value:
        x = bottoms[0]
        scale = self.learned_or_given(b, "scale", 1.0, *bottoms)
        y = x * self.widened(b, x, scale)
        if not self.bias_term:
            return y
        return y + self.widened(b, x, b.param("bias", scale.shape, self.bias_filler or Constant(value=0.0)))
