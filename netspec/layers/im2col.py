"""Im2col, the windows of a map as channels."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

from netspec.layers.dilated import Dilated
from netspec.spec.layer import Shape, layer

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value


@layer
class Im2col(Dilated):
    """The elements of each window as channels: a convolution of them is a matrix product.

    Shapes
        x : N x C x H x W -> y : N x (C R S) x Ho x Wo, sizes as those of Convolution.
    Formula
        ``y[n, (c R + r) S + s, i, j] = x[n, c, stride i + dilation r - pad, stride j + dilation s - pad]``,
        zeros outside.
    Gradient
        Of an element the sum of its copies' gradients.
    Source
        Caffe ``Im2colLayer``.
    Example
        {type: Im2col, kernel_size: 3, stride: 1, pad: 1}
    """

    def shapes(self, x: Shape) -> Shape:
        rows, columns = self.places(x)
        return x[0], x[1] * prod(self.kernel), rows, columns

    def lower(self, b: Builder, x: Value) -> Value:
        return b.patches(x, self.kernel, self.steps, self.pads, self.holes, self.places(x.shape))
