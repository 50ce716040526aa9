"""BatchNorm."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import TYPE_CHECKING, ClassVar

from netspec.fillers.constant import Constant
from netspec.layers import axes
from netspec.spec.layer import Filler, Layer, Problem, Shape, ShapeError, field, layer

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value


@layer
class BatchNorm(Layer):
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
    """

    passes_on: ClassVar[bool] = True

    use_global_stats: bool | None = field(None, doc="take the running statistics; default: in the test phase")
    moving_average_fraction: float = field(
        0.999, minimum=0, maximum=1, doc="weight of the past in the running statistics"
    )
    eps: float = field(1e-5, above=0, doc="added to the variance")
    scale_bias: bool = field(False, doc="learn a scale and a bias for each channel")
    scale_filler: Filler | None = field(None, doc="start of the scale; default: 1")
    bias_filler: Filler | None = field(None, doc="start of the bias; default: 0")

    def problems(self) -> Iterator[Problem]:
        yield from super().problems()
        for name in ("scale_filler", "bias_filler"):
            if getattr(self, name) is not None and not self.scale_bias:
                yield Problem("E522", name, f"{name} needs scale_bias", "scale_bias: true")

    def shapes(self, x: Shape) -> Shape:
        if len(x) < 2:
            raise ShapeError("E413", f"BatchNorm works on N x C x .., its bottom is {axes.times(x)}")
        return x

    def param_shapes(self, x: Shape) -> dict[str, Shape]:
        return {"scale": (x[1],), "bias": (x[1],)} if self.scale_bias else {}

    def lower(self, b: Builder, x: Value) -> Value:
        c = x.shape[1]
        row = (1, c, *(1,) * (x.rank - 2))
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
        if not self.scale_bias:
            return y
        shapes = self.param_shapes(x.shape)
        scale = b.param("scale", shapes["scale"], self.scale_filler or Constant(value=1.0))
        bias = b.param("bias", shapes["bias"], self.bias_filler or Constant(value=0.0))
        return y * b.reshape(scale, row) + b.reshape(bias, row)
