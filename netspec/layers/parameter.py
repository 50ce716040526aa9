"""Parameter."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from netspec.fillers.constant import Constant
from netspec.layers import axes
from netspec.spec.layer import Filler, Layer, Shape, field, layer

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value


@layer
class Parameter(Layer):
    """A learnable blob.

    Shapes
        -> y : ``shape``.
    Learned
        weight : ``shape``.
    Gradient
        ``dweight = dy``.
    Source
        Caffe ``ParameterLayer``; ``filler`` is ours.
    Example
        {type: Parameter, shape: [2, 3], filler: xavier}
    """

    bottoms: ClassVar[tuple[int, int | None]] = (0, 0)

    shape: tuple[int, ...] = field(minimum=1, doc="sizes of the blob")
    filler: Filler | None = field(None, doc="start of the blob; default: 0")

    def shapes(self) -> Shape:
        axes.check_filler(self.filler, self.shape, "filler")
        return self.shape

    def param_shapes(self) -> dict[str, Shape]:
        return {"weight": self.shape}

    def lower(self, b: Builder) -> Value:
        return b.param("weight", self.param_shapes()["weight"], self.filler or Constant(value=0.0))
