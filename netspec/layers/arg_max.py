"""ArgMax."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

from netspec.layers import axes, indices
from netspec.spec.layer import Layer, Shape, ShapeError, field, layer

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value


@layer
class ArgMax(Layer):
    """Where the ``top_k`` largest values are, in falling order.

    Shapes
        x : N x C x .. -> y : N x 1 x top_k (x 1 for four axes), over all values of a sample;
        with ``out_max_val`` N x 2 x top_k, the places and below them the values.
        With ``axis``: as x, that axis of size top_k, holding places or (``out_max_val``) values.
    Formula
        Of equal values the first is the larger, NaN is larger than every number. Places are
        whole numbers (int32), beside values floats.
    Gradient
        Of values to the elements that they are; places have none.
    Source
        Caffe ``ArgMaxLayer``.
    Example
        {type: ArgMax, axis: 1}
    """

    out_max_val: bool = field(False, doc="give the values: below the places, or with axis in their stead")
    top_k: int = field(1, minimum=1, doc="how many of the largest")
    axis: int | None = field(None, doc="the axis to search; default: all of a sample")

    def shapes(self, x: Shape) -> Shape:
        if self.axis is not None:
            axis = axes.canonical(self.axis, len(x))
            indices.check_count(self.top_k, x[axis], "values along the axis")
            return *x[:axis], self.top_k, *x[axis + 1 :]
        if not x:
            raise ShapeError("E413", "ArgMax looks through samples, its bottom is a single number", None)
        indices.check_count(self.top_k, prod(x[1:]), "values a sample")
        return x[0], 2 if self.out_max_val else 1, self.top_k, *(1,) * (len(x) - 3)

    def lower(self, b: Builder, x: Value) -> Value:
        if self.axis is not None:
            found = b.top_k(x, self.top_k, axes.canonical(self.axis, x.rank))
            return found[0 if self.out_max_val else 1]
        n = x.shape[0]
        values, places = b.top_k(b.reshape(x, axes.rows(x.shape)), self.top_k)
        if not self.out_max_val:
            return b.reshape(places, self.shapes(x.shape))
        rows = [b.reshape(v, (n, 1, self.top_k)) for v in (b.to_float(places), values)]
        return b.reshape(b.concat(rows, 1), self.shapes(x.shape))
