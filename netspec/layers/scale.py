"""Scale."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar

from netspec.fillers.constant import Constant
from netspec.layers import axes
from netspec.spec.layer import Filler, Layer, Problem, Shape, ShapeError, field, layer

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value


@layer
class Scale(Layer):
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
    """

    bottoms: ClassVar[tuple[int, int | None]] = (1, 2)
    passes_on: ClassVar[bool] = True

    axis: int = field(1, doc="first axis of the factor")
    num_axes: int = field(1, minimum=-1, doc="axes of a learned factor; -1: all from axis on, 0: a single number")
    filler: Filler | None = field(None, doc="start of the factor; default: 1")
    bias_term: bool = field(False, doc="add a learned bias of the same shape")
    bias_filler: Filler | None = field(None, doc="start of the bias; default: 0")

    def problems(self) -> Iterator[Problem]:
        yield from super().problems()
        if self.bias_filler is not None and not self.bias_term:
            yield Problem("W125", "bias_filler", "bias_filler has no effect: bias_term is false", "drop it", "warning")

    def shapes(self, *bottoms: Shape) -> Shape:
        x = bottoms[0]
        factor = self._factor(bottoms)
        axis = self._axis(x)
        if factor != x[axis : axis + len(factor)]:
            raise ShapeError(
                "E415",
                f"the factor is {axes.times(factor)}, the axes of x from {axis} on are {axes.times(x[axis:])}",
                field="axis",
            )
        axes.check_filler(self.filler, factor, "filler")
        return x

    def _axis(self, x: Shape) -> int:
        return axes.canonical(self.axis, len(x), end=self.axis >= 0)

    def _factor(self, bottoms: tuple[Shape, ...]) -> Shape:
        """The factor's shape."""
        x = bottoms[0]
        if len(bottoms) == 2:
            return bottoms[1]
        axis = self._axis(x)
        if self.num_axes > len(x) - axis:
            raise ShapeError(
                "E417", f"num_axes {self.num_axes} from axis {axis} on: the bottom has {len(x)} axes", field="num_axes"
            )
        return x[axis:] if self.num_axes < 0 else x[axis : axis + self.num_axes]

    def param_shapes(self, *bottoms: Shape) -> dict[str, Shape]:
        factor = self._factor(bottoms)
        scale = {} if len(bottoms) == 2 else {"scale": factor}
        return {**scale, "bias": factor} if self.bias_term else scale

    def lower(self, b: Builder, *bottoms: Value) -> Value:
        x = bottoms[0]
        given = tuple(v.shape for v in bottoms)
        factor, learned = self._factor(given), self.param_shapes(*given)
        axis = self._axis(x.shape)
        wide = (*(1,) * axis, *factor, *(1,) * (x.rank - axis - len(factor)))
        if "scale" in learned:
            scale = b.param("scale", learned["scale"], self.filler or Constant(value=1.0))
        else:
            scale = bottoms[1]
        y = x * b.reshape(scale, wide)
        if "bias" not in learned:
            return y
        return y + b.reshape(b.param("bias", learned["bias"], self.bias_filler or Constant(value=0.0)), wide)
