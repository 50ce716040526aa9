"""PReLU."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from netspec.fillers.constant import Constant
from netspec.layers import axes
from netspec.spec.layer import Filler, Layer, Shape, field, layer

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value


@layer
class PReLU(Layer):
    """Rectified linear unit with a learned slope, ``y = x if x > 0 else slope[c] x``.

    Shapes
        x : N x C x .. -> y : same.
    Learned
        slope : C, or a single number with ``channel_shared``.
    Gradient
        ``dslope[c]`` = sum of ``dy x`` over the elements of channel c that are not positive.
    Source
        He et al. 2015; Caffe ``PReLULayer``.
    Example
        {type: PReLU}
    """

    relu_like: ClassVar[bool] = True

    filler: Filler | None = field(None, doc="start of the slopes; default: 0.25")
    channel_shared: bool = field(False, doc="one slope for all channels")

    def shapes(self, x: Shape) -> Shape:
        axes.channelled("PReLU", x)
        axes.check_filler(self.filler, self.param_shapes(x)["slope"], "filler")
        return x

    def param_shapes(self, x: Shape) -> dict[str, Shape]:
        return {"slope": () if self.channel_shared else (x[1],)}

    def lower(self, b: Builder, x: Value) -> Value:
        slope = b.param("slope", self.param_shapes(x.shape)["slope"], self.filler or Constant(value=0.25))
        each = slope if self.channel_shared else b.reshape(slope, axes.per_channel(x.shape))
        return b.where(x > 0, x, each * x)
