"""Gram."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

from netspec.layers import axes
from netspec.spec.layer import Layer, Shape, field, layer

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value


@layer
class Gram(Layer):
    """Products of the channels of each sample, ``y[n, c, d] = sum over places of x[n, c] x[n, d]``.

    Shapes
        x : N x C x places -> y : N x C x C.
    Formula
        ``normalization``: PLACES divides by the places, FULL by the C places elements of
        a sample, NONE by nothing.
    Gradient
        ``dx[n] = (dy + dy^T) x[n]``, divided alike.
    Source
        Gatys, Ecker and Bethge 2015, equation 3.
    Example
        {type: Gram, normalization: full}
    """

    normalization: str = field("NONE", choices=("NONE", "PLACES", "FULL"), doc="what the products are divided by")

    def shapes(self, x: Shape) -> Shape:
        axes.channelled("Gram", x)
        return x[0], x[1], x[1]

    def lower(self, b: Builder, x: Value) -> Value:
        n, c, places = x.shape[0], x.shape[1], prod(x.shape[2:])
        # a row a place: channels are innermost where maps lie
        rows = b.reshape(b.transpose(x, (0, *range(2, x.rank), 1)), (n, places, c))
        y = b.matmul(rows, rows, transpose_a=True)
        divisor = {"NONE": 1, "PLACES": places, "FULL": c * places}[self.normalization]
        return y if divisor == 1 else y * (1.0 / divisor)
