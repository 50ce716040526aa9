"""MultinomialLogisticLoss."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, ClassVar

from netspec.layers import labels
from netspec.spec.layer import Shape, layer

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value


@layer
class MultinomialLogisticLoss(labels.Classified, labels.Normalised):
    """Cross-entropy of probabilities, ``-log p[label]``: SoftmaxWithLoss without its softmax.

    Shapes
        p : N x C x .., probabilities; labels : N x .. (whole numbers from 0 to C - 1) -> loss :
        a single number.
    Formula
        ``-log max(p[label], 1e-20)`` at each place, summed over the places that count and
        divided as ``normalization`` says.
    Gradient
        ``-1 / max(p[label], 1e-20)``: not 0 below 1e-20 either.
    Source
        Caffe ``MultinomialLogisticLossLayer``, which divides by N (the same without further axes).
    Example
        - {name: scores, type: InnerProduct, num_output: 4}
        - {name: p, type: Softmax}
        - {name: loss, type: MultinomialLogisticLoss, bottom: [p, label]}
    """

    is_loss: ClassVar[bool] = True

    def shapes(self, p: Shape, label: Shape) -> Shape:
        labels.class_axis(self.axis, p, label)
        return ()

    def lower(self, b: Builder, p: Value, label: Value) -> Value:
        axis, column, mask = self.aligned(b, p, label)
        loss = -labels.safe_log(b, labels.picked(b, p, column, axis))
        return labels.total(b, loss, mask, self.divisor(b, mask, prod(column.shape), prod(p.shape[:axis])))
