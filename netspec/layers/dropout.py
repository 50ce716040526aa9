"""Dropout."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from netspec.spec.layer import Layer, Shape, field, layer

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value


@layer
class Dropout(Layer):
    """In training a random choice of elements is 0, the others grow to keep the mean.

    Shapes
        x : any -> y : same.
    Formula
        train: ``y = x / (1 - ratio)`` where ``u >= ratio``, else 0, ``u ~ U[0, 1)`` new for
        each element and iteration; test: ``y = x``.
    Gradient
        ``dx = dy / (1 - ratio)`` where kept; the mask is computed again, not stored.
    Source
        Srivastava et al. 2014; Caffe ``DropoutLayer``.
    Example
        {type: Dropout, dropout_ratio: 0.3}
    """

    passes_on: ClassVar[bool] = True

    dropout_ratio: float = field(0.5, minimum=0, below=1, doc="probability that an element is dropped")

    def shapes(self, x: Shape) -> Shape:
        return x

    def lower(self, b: Builder, x: Value) -> Value:
        if b.phase != "train" or self.dropout_ratio == 0:
            return x
        kept = b.uniform(x.shape) >= self.dropout_ratio
        return b.where(kept, x * (1.0 / (1.0 - self.dropout_ratio)), 0.0)
