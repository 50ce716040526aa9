"""BatchReindex."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from netspec.layers import axes, indices
from netspec.spec.layer import Layer, Shape, ShapeError, layer

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value


@layer
class BatchReindex(Layer):
    """Samples chosen, repeated or reordered by their numbers, ``y[m] = x[index[m]]``.

    Shapes
        x : N x ..; index : M, whole numbers from 0 to N - 1 -> y : M x ...
    Gradient
        Of a sample the sum of its copies' gradients; index has none.
    Source
        Caffe ``BatchReindexLayer``. A number out of range, which a layer made, gives zeros.
    Example
        inputs: {x: [3, 6, 6], order: []}
        layers:
          - {name: shuffled, type: BatchReindex, bottom: [x, order]}
    """

    bottoms: ClassVar[tuple[int, int | None]] = (2, 2)
    label_bottoms: ClassVar[tuple[int, ...]] = (1,)
    passes_on: ClassVar[bool] = True
    moves_each: ClassVar[bool] = True

    def shapes(self, x: Shape, index: Shape) -> Shape:
        if not x or len(index) != 1:
            message = f"samples and a row of their numbers are needed, got {axes.times(x)} and {axes.times(index)}"
            raise ShapeError("E413", message, "put a Reshape before the numbers: shape: [-1]" if x else None)
        return *index, *x[1:]

    def label_range(self, x: Shape, index: Shape) -> tuple[int, int | None]:
        return x[0], None

    def lower(self, b: Builder, x: Value, index: Value) -> Value:
        return b.gather(x, indices.as_index(b, index))
