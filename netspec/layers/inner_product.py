"""InnerProduct, the fully connected layer."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

from netspec.layers import axes
from netspec.layers.weights import Weighted
from netspec.spec.layer import Shape, field, layer

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value


@layer
class InnerProduct(Weighted):
    """Fully connected layer, ``y = x w^T + bias``.

    Shapes
        x : N x C x .. -> y : N x K; the axes from ``axis`` on are flattened, those
        before it stay: with ``axis: 2``, N x T x C -> N x T x K.
    Formula
        ``y[n, k] = bias[k] + sum over c of w[k, c] x[n, c]``, c in the N C H W order of
        the flattened bottom; ``transpose``: ``w[c, k]``.
    Learned
        weight : K x C (``transpose``: C x K); bias : K.
    Gradient
        ``dx = dy w``, ``dw = dy^T x``, ``dbias = sum over n of dy``.
    Source
        Caffe ``InnerProductLayer``.
    Example
        {type: InnerProduct, num_output: 4}
    """

    axis: int = field(1, doc="first axis that is flattened")
    transpose: bool = field(False, doc="keep the weights as C x K")

    def shapes(self, x: Shape) -> Shape:
        axis = axes.canonical(self.axis, len(x))
        self.check_filler(x)
        return *x[:axis], self.num_output

    def weight_shape(self, x: Shape) -> Shape:
        """Return K x C, or C x K with ``transpose``; C = product of the flattened axes."""
        inputs = prod(x[axes.canonical(self.axis, len(x)) :])
        return (inputs, self.num_output) if self.transpose else (self.num_output, inputs)

    def lower(self, b: Builder, x: Value) -> Value:
        axis = axes.canonical(self.axis, x.rank)
        w, bias = self.learned(b, x)
        if axis == 1 and 2 <= x.rank <= 4 and not self.transpose:
            return self._convolved(b, x, w, bias)
        rows = b.reshape(x, (prod(x.shape[:axis]), prod(x.shape[axis:])))
        y = b.matmul(rows, w, transpose_b=not self.transpose)
        if bias is not None:
            y = y + b.reshape(bias, (1, self.num_output))
        return b.reshape(y, (*x.shape[:axis], self.num_output))

    def _convolved(self, b: Builder, x: Value, w: Value, bias: Value | None) -> Value:
        # a kernel as large as the map: the activations need no copy into N C H W order
        c, h, width = (*x.shape[1:], 1, 1)[:3]
        y = b.conv(b.reshape(x, (x.shape[0], c, h, width)), b.reshape(w, (self.num_output, c, h, width)))
        if bias is not None:
            y = y + b.reshape(bias, (1, self.num_output, 1, 1))
        return b.reshape(y, (x.shape[0], self.num_output))
