"""Deconvolution."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from netspec.layers import volumes
from netspec.layers.convolution import Grouped
from netspec.layers.windows import Reach
from netspec.spec.layer import Shape, layer

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value


@layer
class Deconvolution(Grouped):
    """Transposed convolution: each input pixel stamps its kernel on the output.

    Shapes
        x : N x C x H x W -> y : N x K x Ho x Wo,
        ``Ho = stride (H - 1) + F - 2 pad`` with ``F = dilation (R - 1) + 1``;
        N x C x L and N x C x D x H x W likewise.
    Formula
        ``y[n, k, stride i + dilation r - pad, stride j + dilation s - pad] +=
        x[n, c, i, j] w[c, k, r, s]``, then ``+ bias[k]``; what falls outside is dropped.
        It is the input gradient of the Convolution with the same fields.
    Learned
        weight : C x K/group x R x S (C x K/group x R, C x K/group x T x R x S); bias : K.
    Gradient
        For x a convolution of dy with w, for w a correlation of dy with x.
    Source
        Zeiler et al. 2010; Caffe ``DeconvolutionLayer`` (``weight_filler: bilinear`` scales up).
    Example
        {type: Deconvolution, num_output: 3, group: 3, kernel_size: 4, stride: 2, pad: 1, weight_filler: bilinear}
    """

    def shapes(self, x: Shape) -> Shape:
        self.check_channels(x)
        self.check_filler(x)
        sizes = (self.positive(a, a.deconvolved(), x, inverse=True) for a in self.axes(x))
        return x[0], self.num_output, *sizes

    def weight_shape(self, x: Shape) -> Shape:
        """Return C x K/group x R x S."""
        return x[1], self.num_output // self.group, *self.sides("kernel_size", len(x) - 2)

    def sees(self, x: Shape) -> Reach:
        """What an element of the top sees: at most ceil(extent / stride) elements reach it along an axis."""
        along = self.axes(x)
        more = tuple(Fraction(-(-a.extent // a.stride) - 1) for a in along)
        return Reach(more, tuple(Fraction(1, a.stride) for a in along))

    def lower(self, b: Builder, x: Value) -> Value:
        size = tuple(axis.deconvolved() for axis in self.axes(x.shape))
        _, stride, pad, dilation = self.window(len(size))
        w, bias = self.learned(b, x)
        return volumes.deconvolved(b, x, w, bias, stride, pad, dilation, self.group, size)
