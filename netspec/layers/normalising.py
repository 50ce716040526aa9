"""What the layers that bring values to mean 0 and variance 1 share."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar

from netspec.fillers.constant import Constant
from netspec.layers import axes
from netspec.spec.layer import Filler, Layer, Problem, Shape, field

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value


class Normalising(Layer):
    """Base of the normalisations that may learn a scale and a bias behind it."""

    passes_on: ClassVar[bool] = True

    eps: float = field(1e-5, above=0, doc="added to the variance")
    scale_bias: bool = field(True, doc="learn a scale and a bias")
    scale_filler: Filler | None = field(None, doc="start of the scale; default: 1")
    bias_filler: Filler | None = field(None, doc="start of the bias; default: 0")

    def problems(self) -> Iterator[Problem]:
        yield from super().problems()
        for name in ("scale_filler", "bias_filler"):
            if getattr(self, name) is not None and not self.scale_bias:
                yield Problem("E522", name, f"{name} needs scale_bias", "scale_bias: true")

    def affine_shape(self, x: Shape) -> Shape:
        """Return the shape of the scale and of the bias."""
        raise NotImplementedError(type(self).__name__)

    def param_shapes(self, x: Shape) -> dict[str, Shape]:
        return {"scale": self.affine_shape(x), "bias": self.affine_shape(x)} if self.scale_bias else {}

    def check_fillers(self, x: Shape) -> None:
        """Raise ShapeError if the parameters cannot be filled."""
        for name, shape in self.param_shapes(x).items():
            axes.check_filler(getattr(self, f"{name}_filler"), shape, f"{name}_filler")

    def scaled(self, b: Builder, y: Value, shape: Shape, wide: Shape) -> Value:
        """``scale y + bias`` where they are learned, else y.

        Parameters
        ----------
        shape
            The bottom's shape.
        wide
            The parameters in a shape that broadcasts to y.
        """
        learned = self.param_shapes(shape)
        if not learned:
            return y
        scale = b.param("scale", learned["scale"], self.scale_filler or Constant(value=1.0))
        bias = b.param("bias", learned["bias"], self.bias_filler or Constant(value=0.0))
        return y * b.reshape(scale, wide) + b.reshape(bias, wide)
