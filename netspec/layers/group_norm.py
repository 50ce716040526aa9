"""GroupNorm."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netspec.layers import axes
from netspec.layers.normalising import Normalising
from netspec.spec.layer import Shape, ShapeError, field, layer

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value


@layer
class GroupNorm(Normalising):
    """Groups of channels of each sample to mean 0 and variance 1, then a scale and a bias for each channel.

    Shapes
        x : N x C x .. -> y : same; ``group`` divides C.
    Formula
        ``y = scale[c] (x - mean) / sqrt(variance + eps) + bias[c]``, mean and (biased)
        variance over the C / ``group`` channels of a group and all their places.
    Learned
        with ``scale_bias``: scale : C, bias : C.
    Gradient
        Flows through mean and variance.
    Source
        Wu and He 2018.
    Example
        - {name: conv, type: Convolution, num_output: 8, kernel_size: 3}
        - {name: norm, type: GroupNorm, group: 4}
    """

    group: int = field(32, minimum=1, doc="groups of channels")

    def shapes(self, x: Shape) -> Shape:
        axes.channelled("GroupNorm", x)
        if x[1] % self.group:
            fits = max(g for g in range(1, self.group) if x[1] % g == 0)
            message = f"{x[1]} channels are not a multiple of group {self.group}"
            raise ShapeError("E414", message, f"group: {fits}", "group")
        self.check_fillers(x)
        return x

    def affine_shape(self, x: Shape) -> Shape:
        return (x[1],)

    def lower(self, b: Builder, x: Value) -> Value:
        n, c = x.shape[:2]
        groups = (n, self.group, c // self.group)
        wide = (n, c, *(1,) * (x.rank - 2))
        if x.rank == 2:
            m, v = b.moments(b.reshape(x, groups), 2)
        else:
            # those of the channels first, which are neighbours in memory, then of the few numbers left
            mean, variance = (b.reshape(value, groups) for value in b.moments(x, range(2, x.rank)))
            m, spread = b.moments(mean, 2)
            v = b.mean(variance, 2) + spread
        each, scale = (b.reshape(b.broadcast_to(value, groups), wide) for value in (m, b.rsqrt(v + self.eps)))
        return self.scaled(b, (x - each) * scale, x.shape, axes.per_channel(x.shape))
