"""BatchNorm."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

from netspec.layers import axes
from netspec.layers.normalising import Normalising
from netspec.spec.layer import Shape, field, layer

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value


@layer
class BatchNorm(Normalising):
    """Each channel to mean 0 and variance 1, ``y = (x - mean[c]) / sqrt(variance[c] + eps)``.

    Shapes
        x : N x C x .. -> y : same.
    Formula
        train: mean and (biased) variance of the m values of channel c in this batch;
        test: the running ones. ``scale_bias``: ``y = scale[c] y + bias[c]`` behind it.
    State
        ``weight_sum' = f weight_sum + 1``, ``mean' = (f weight_sum mean + batch mean) /
        weight_sum'``, ``variance'`` alike with batch variance ``m / (m - 1)``, where
        f = ``moving_average_fraction``: Caffe's sums, already divided by its factor.
        A net that never trained has mean 0 and variance 0.
    Learned
        with ``scale_bias``: scale : C, bias : C.
    Gradient
        Flows through the batch's mean and variance; with the running ones it does not.
    Source
        Ioffe and Szegedy 2015; Caffe ``BatchNormLayer`` (``scale_bias`` as NVIDIA/caffe).
    Example
        {type: BatchNorm, scale_bias: true}
    """

    use_global_stats: bool | None = field(None, doc="take the running statistics; default: in the test phase")
    moving_average_fraction: float = field(
        0.999, minimum=0, maximum=1, doc="weight of the past in the running statistics"
    )
    scale_bias: bool = field(False, doc="learn a scale and a bias for each channel")

    def shapes(self, x: Shape) -> Shape:
        axes.channelled("BatchNorm", x)
        self.check_fillers(x)
        return x

    def affine_shape(self, x: Shape) -> Shape:
        return (x[1],)

    def lower(self, b: Builder, x: Value) -> Value:
        c = x.shape[1]
        row = axes.per_channel(x.shape)
        mean, variance = b.state("mean", (c,)), b.state("variance", (c,))
        weight_sum = b.state("weight_sum", (1,))
        if b.phase == "test" if self.use_global_stats is None else self.use_global_stats:
            m, v = b.reshape(mean, row), b.reshape(variance, row)
        else:
            m, v = b.moments(x, (0, *range(2, x.rank)))
            count = prod(x.shape) // c
            before = self.moving_average_fraction * weight_sum
            after = before + 1.0
            unbiased = b.reshape(v, (c,)) * (count / max(1, count - 1))
            b.write(mean, (before * mean + b.reshape(m, (c,))) / after)
            b.write(variance, (before * variance + unbiased) / after)
            b.write(weight_sum, after)
        y = (x - m) * b.rsqrt(v + self.eps)
        return self.scaled(b, y, x.shape, row)
