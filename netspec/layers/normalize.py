"""Normalize, by the length of vectors."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar

from netspec.fillers.constant import Constant
from netspec.layers import axes
from netspec.spec.layer import Filler, Layer, Problem, Shape, field, layer

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value


@layer
class Normalize(Layer):
    """Vectors to length 1, then a learned scale, ``y = scale x / sqrt(sum of x^2 + eps)``.

    Shapes
        x : N x C x .. -> y : same.
    Formula
        The sum is over all of a sample, with ``across_spatial: false`` over the channels at
        each place.
    Learned
        with ``scale_term``: scale : a single number, with ``channel_shared: false`` C.
    Gradient
        Flows through the length.
    Source
        Liu, Rabinovich and Berg 2015; ``NormalizeLayer`` of the SSD fork of Caffe, which
        always learns the scale.
    Example
        {type: Normalize, across_spatial: false, scale_term: false}
    """

    passes_on: ClassVar[bool] = True

    across_spatial: bool = field(True, doc="one length for a sample, not one for each place")
    channel_shared: bool = field(True, doc="one scale for all channels")
    eps: float = field(1e-10, above=0, doc="added to the sum of squares")
    scale_term: bool = field(True, doc="learn a scale")
    scale_filler: Filler | None = field(None, doc="start of the scale; default: 1")

    def problems(self) -> Iterator[Problem]:
        yield from super().problems()
        if self.scale_filler is not None and not self.scale_term:
            yield Problem("E522", "scale_filler", "scale_filler needs scale_term", "scale_term: true")

    def shapes(self, x: Shape) -> Shape:
        axes.channelled("Normalize", x)
        for shape in self.param_shapes(x).values():
            axes.check_filler(self.scale_filler, shape, "scale_filler")
        return x

    def param_shapes(self, x: Shape) -> dict[str, Shape]:
        return {"scale": () if self.channel_shared else (x[1],)} if self.scale_term else {}

    def lower(self, b: Builder, x: Value) -> Value:
        over = range(1, x.rank) if self.across_spatial else 1
        y = x * b.rsqrt(b.sum(x * x, over) + self.eps)
        for name, shape in self.param_shapes(x.shape).items():
            scale = b.param(name, shape, self.scale_filler or Constant(value=1.0))
            y = y * (b.reshape(scale, axes.per_channel(x.shape)) if shape else scale)
        return y
