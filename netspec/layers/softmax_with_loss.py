"""SoftmaxWithLoss."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, ClassVar

from netspec.layers import labels
from netspec.spec.layer import Shape, field, layer

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value

CEILING = 87.3365478515625
"""-log of the least normal float32, in float32: where Caffe's log(max(p, FLT_MIN)) stops."""


@layer
class SoftmaxWithLoss(labels.Classified, labels.ClassWeighted):
    """Cross-entropy of the softmax of scores, ``-log p[label]``, averaged.

    Shapes
        scores : N x C x ..; labels : N x .. (whole numbers from 0 to C - 1) -> loss : a
        single number; a second top, if named, gets the probabilities, like the scores.
    Formula
        ``logsumexp(x) - x[label]`` at each place, no more than 87.3365 (Caffe's
        -log FLT_MIN), times the ``class_weights`` of the label, summed over the places that
        count and divided as ``normalization`` says, by 1 at least. With ``label_smoothing`` s
        the label's probability is 1 - s, and s / C is added to that of every class:
        ``logsumexp(x) - (1 - s) x[label] - s mean x``.
    Gradient
        ``softmax(x) - target``, above the ceiling too: only the reported figure
        is cut, a net that is far off still learns.
    Source
        Caffe ``SoftmaxWithLossLayer``; label smoothing: Szegedy et al. 2016.
    Example
        - {name: scores, type: InnerProduct, num_output: 4}
        - {name: loss, type: SoftmaxWithLoss, bottom: [scores, label]}
    """

    tops: ClassVar[tuple[int, int | None]] = (1, 2)
    is_loss: ClassVar[bool] = True

    label_smoothing: float = field(0.0, minimum=0, below=1, doc="share of the target that all classes have in common")

    def shapes(self, x: Shape, label: Shape) -> tuple[Shape, ...]:
        self.check_weights(x[labels.class_axis(self.axis, x, label)])
        return ((), x)[: max(1, len(self.top_names))]

    def lower(self, b: Builder, x: Value, label: Value) -> tuple[Value, ...]:
        axis, column, mask = self.aligned(b, x, label)
        lse = b.logsumexp(x, axis)
        smooth, target = self.label_smoothing, labels.picked(b, x, column, axis)
        loss = lse - (target if not smooth else (1.0 - smooth) * target + smooth * b.mean(x, axis))
        # f + (l - l): the figure is cut, the gradient that of l, and the backward steps need no mask
        shown = b.stop_gradient(b.minimum(loss, CEILING)) + (loss - b.stop_gradient(loss))
        shown = self.weighted(b, shown, column, x.shape, axis)
        divisor = self.divisor(b, mask, prod(column.shape), prod(x.shape[:axis]))
        made = (labels.total(b, shown, mask, divisor),)
        return made if len(self.top_names) < 2 else (*made, b.exp(x - lse))
