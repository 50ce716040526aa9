"""LocallyConnected, a convolution whose places share no weights."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

from netspec.layers.dilated import Dilated
from netspec.layers.weights import Weighted
from netspec.spec.layer import Shape, layer

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value


@layer
class LocallyConnected(Dilated, Weighted):
    """A convolution with a kernel of its own at each place.

    Shapes
        x : N x C x H x W -> y : N x K x Ho x Wo, sizes as those of Convolution.
    Formula
        ``y[n, k, i, j] = bias[k, i, j] + sum over c, r, s of w[(i Wo + j) K + k, c, r, s]
        x[n, c, stride i + dilation r - pad, stride j + dilation s - pad]``, zeros outside.
    Learned
        weight : (Ho Wo K) x C x R x S, Ho Wo times as many as a Convolution's; bias : K x Ho x Wo.
    Gradient
        At each place that of an InnerProduct over its window.
    Source
        Le Cun 1989, "Generalization and network design strategies"; Taigman et al. 2014.
    Example
        {type: LocallyConnected, num_output: 4, kernel_size: 3, stride: 2}
    """

    def shapes(self, x: Shape) -> Shape:
        rows, columns = self.places(x)
        self.check_filler(x)
        return x[0], self.num_output, rows, columns

    def weight_shape(self, x: Shape) -> Shape:
        """Return (Ho Wo K) x C x R x S: the fan-in is that of one place."""
        return prod(self.places(x)) * self.num_output, x[1], *self.kernel

    def param_shapes(self, *bottoms: Shape) -> dict[str, Shape]:
        """Return the shapes of ``weight`` and, with ``bias_term``, of ``bias``: K x Ho x Wo."""
        shapes = super().param_shapes(*bottoms)
        return {**shapes, "bias": (self.num_output, *self.places(bottoms[0]))} if self.bias_term else shapes

    def lower(self, b: Builder, x: Value) -> Value:
        n, k, rows, columns = self.shapes(x.shape)
        w, bias = self.learned(b, x)
        window = prod(w.shape[1:])
        seen = b.transpose(b.patches(x, self.kernel, self.steps, self.pads, self.holes, (rows, columns)), (2, 3, 0, 1))
        y = b.matmul(
            b.reshape(seen, (rows * columns, n, window)),
            b.reshape(w, (rows * columns, k, window)),
            transpose_b=True,
        )
        y = b.transpose(b.reshape(y, (rows, columns, n, k)), (2, 3, 0, 1))
        return y if bias is None else y + bias
