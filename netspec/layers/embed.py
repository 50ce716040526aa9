"""Embed, a table of vectors."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from netspec.layers import indices
from netspec.layers.weights import Weighted
from netspec.spec.layer import Shape, field, layer

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value


@layer
class Embed(Weighted):
    """A vector for each number, ``y = weight[x] + bias``.

    Shapes
        x : any, whole numbers from 0 to input_dim - 1 -> y : the same, then K.
    Formula
        ``y[.., k] = weight[x[..], k] + bias[k]``: InnerProduct of the one-hot vector of x.
        A number out of range is an error of the data; where a layer makes it, its vector is 0.
    Learned
        weight : input_dim x K; bias : K.
    Gradient
        ``dweight[v] = sum of dy where x = v``, in the order of the elements; x has none.
    Source
        Bengio et al. 2003; Caffe ``EmbedLayer``.
    Example
        {type: Embed, bottom: label, input_dim: 10, num_output: 4}
    """

    label_bottoms: ClassVar[tuple[int, ...]] = (0,)

    input_dim: int = field(minimum=1, doc="how many numbers there are")

    def shapes(self, x: Shape) -> Shape:
        self.check_filler(x)
        return *x, self.num_output

    def weight_shape(self, x: Shape) -> Shape:
        """Return input_dim x K."""
        return self.input_dim, self.num_output

    def label_range(self, x: Shape) -> tuple[int, int | None]:
        return self.input_dim, None

    def lower(self, b: Builder, x: Value) -> Value:
        w, bias = self.learned(b, x)
        y = b.gather(w, indices.as_index(b, x))
        return y if bias is None else y + bias
