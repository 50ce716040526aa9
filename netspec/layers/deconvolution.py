"""Deconvolution."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netspec.layers.convolution import Grouped
from netspec.spec.layer import Shape, layer

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value


@layer
class Deconvolution(Grouped):
    """Transposed convolution: each input pixel stamps its kernel on the output.

    Shapes
        x : N x C x H x W -> y : N x K x Ho x Wo,
        ``Ho = stride (H - 1) + F - 2 pad`` with ``F = dilation (R - 1) + 1``.
    Formula
        ``y[n, k, stride i + dilation r - pad, stride j + dilation s - pad] +=
        x[n, c, i, j] w[c, k, r, s]``, then ``+ bias[k]``; what falls outside is dropped.
        It is the input gradient of the Convolution with the same fields.
    Learned
        weight : C x K/group x R x S; bias : K.
    Gradient
        For x a convolution of dy with w, for w a correlation of dy with x.
    Source
        Zeiler et al. 2010; Caffe ``DeconvolutionLayer`` (``weight_filler: bilinear`` scales up).
    """

    def shapes(self, x: Shape) -> Shape:
        self.check_channels(x)
        self.check_filler(x)
        rows, columns = (self.positive(a, a.deconvolved(), x, inverse=True) for a in self.axes(x))
        return x[0], self.num_output, rows, columns

    def weight_shape(self, x: Shape) -> Shape:
        """Return C x K/group x R x S."""
        return x[1], self.num_output // self.group, *self.kernel

    def lower(self, b: Builder, x: Value) -> Value:
        rows, columns = (axis.deconvolved() for axis in self.axes(x.shape))
        w, bias = self.learned(b, x)
        y = b.conv_input_grad(x, w, self.steps, self.pads, self.holes, self.group, (rows, columns))
        return y if bias is None else y + b.reshape(bias, (1, self.num_output, 1, 1))
