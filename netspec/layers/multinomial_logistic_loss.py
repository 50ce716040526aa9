"""MultinomialLogisticLoss."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, ClassVar

from netspec.layers import axes, labels
from netspec.spec.layer import Shape, field, layer

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value


@layer
class MultinomialLogisticLoss(labels.Normalised):
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

    bottoms: ClassVar[tuple[int, int | None]] = (2, 2)
    label_bottoms: ClassVar[tuple[int, ...]] = (1,)
    is_loss: ClassVar[bool] = True

    axis: int = field(1, doc="the axis of the classes")

    def shapes(self, p: Shape, label: Shape) -> Shape:
        labels.class_axis(self.axis, p, label)
        return ()

    def label_range(self, p: Shape, label: Shape) -> tuple[int, int | None]:
        return p[axes.canonical(self.axis, len(p))], self.ignore_label

    def lower(self, b: Builder, p: Value, label: Value) -> Value:
        axis = axes.canonical(self.axis, p.rank)
        column = labels.label_column(b, p, label, axis)
        mask = labels.counted(b, column, self.ignore_label)
        loss = -labels.safe_log(b, labels.picked(b, p, column, axis))
        return labels.total(b, loss, mask, self.divisor(b, mask, prod(column.shape), prod(p.shape[:axis])))
