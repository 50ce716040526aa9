"""FocalLoss."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, ClassVar

from netspec.layers import labels
from netspec.spec.layer import Shape, field, layer

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value


@layer
class FocalLoss(labels.Classified, labels.ClassWeighted):
    """Cross-entropy of the softmax of scores in which what is right already counts little.

    Shapes
        scores : N x C x ..; labels : N x .. (whole numbers from 0 to C - 1) -> loss : a single number.
    Formula
        p = softmax of the scores at the label; ``-(1 - p)^gamma log p``, times the
        ``class_weights`` of the label, summed over the places that count and divided as
        ``normalization`` says. gamma 0 is SoftmaxWithLoss.
    Gradient
        The derivative of the formula; SigmoidFocalLoss is the form for several labels at once.
    Source
        Lin et al. 2017, equation 5, over classes; their alpha is ``class_weights``.
    Example
        - {name: scores, type: InnerProduct, num_output: 4}
        - {name: loss, type: FocalLoss, bottom: [scores, label], gamma: 2}
    """

    is_loss: ClassVar[bool] = True

    gamma: float = field(2.0, minimum=0, doc="how fast what is right loses its weight")

    def shapes(self, x: Shape, label: Shape) -> Shape:
        self.check_weights(x[labels.class_axis(self.axis, x, label)])
        return ()

    def lower(self, b: Builder, x: Value, label: Value) -> Value:
        axis, column, mask = self.aligned(b, x, label)
        loss = labels.focal(b, labels.entropy(b, x, column, axis), self.gamma)
        loss = self.weighted(b, loss, column, x.shape, axis)
        return labels.total(b, loss, mask, self.divisor(b, mask, prod(column.shape), prod(x.shape[:axis])))
