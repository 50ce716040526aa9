"""LRN."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar

from netspec.layers import axes
from netspec.spec.layer import Layer, Problem, Shape, field, layer

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value


@layer
class LRN(Layer):
    """Local response normalisation: each element divided by the strength of its neighbours.

    Shapes
        x : N x C x H x W -> y : same.
    Formula
        ACROSS_CHANNELS: ``y = x (k + alpha / n * sum of x^2 over n neighbouring channels)^-beta``,
        n = ``local_size``, zeros outside.
        WITHIN_CHANNEL: ``y = x (1 + alpha * average of x^2 over n x n pixels)^-beta``; the
        average counts padding as AVE pooling does, ``k`` is not used.
    Gradient
        Flows to every neighbour.
    Source
        Krizhevsky et al. 2012, section 3.3; Caffe ``LRNLayer``.
    Example
        {type: LRN, local_size: 3, alpha: 0.1}
    """

    passes_on: ClassVar[bool] = True

    local_size: int = field(5, minimum=1, doc="n, neighbours in all: odd")
    alpha: float = field(1.0, doc="weight of the sum")
    beta: float = field(0.75, doc="exponent")
    k: float = field(1.0, doc="added to the sum, across channels only")
    norm_region: str = field("ACROSS_CHANNELS", choices=("ACROSS_CHANNELS", "WITHIN_CHANNEL"), doc="what is near")

    def problems(self) -> Iterator[Problem]:
        yield from super().problems()
        if self.local_size % 2 == 0:
            message = f"local_size {self.local_size} is even, the window has no middle"
            yield Problem("E523", "local_size", message, f"local_size: {self.local_size + 1}")

    def shapes(self, x: Shape) -> Shape:
        return axes.four_axes("LRN", x)

    def lower(self, b: Builder, x: Value) -> Value:
        n = self.local_size
        if self.norm_region == "ACROSS_CHANNELS":
            strength = self.k + self.alpha / n * b.window(x * x, n)
        else:
            half = (n - 1) // 2
            strength = 1.0 + self.alpha * b.ave_pool(x * x, (n, n), (1, 1), (half, half), (x.shape[2], x.shape[3]))
        return x * strength**-self.beta
