"""SigmoidCrossEntropyLoss."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, ClassVar

from netspec.layers import axes, labels
from netspec.spec.layer import Shape, field, layer

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value


@layer
class SigmoidCrossEntropyLoss(labels.Normalised):
    """Cross-entropy of the sigmoid of scores with targets between 0 and 1.

    Shapes
        scores : N x ..; targets : as many -> loss : a single number.
    Formula
        ``-t log p - (1 - t) log(1 - p)`` with p = sigmoid(x), written as
        ``max(x, 0) - x t + log(1 + exp(-|x|))``; summed over the places whose target is not
        ``ignore_label``, divided by N unless ``normalization`` says otherwise.
    Gradient
        ``sigmoid(x) - t``.
    Source
        Caffe ``SigmoidCrossEntropyLossLayer`` (whose default is BATCH_SIZE, unlike its
        ``loss_param``).
    Example
        {type: SigmoidCrossEntropyLoss, bottom: [x, y]}
    """

    bottoms: ClassVar[tuple[int, int | None]] = (2, 2)
    is_loss: ClassVar[bool] = True

    normalization: str = field(
        "BATCH_SIZE",
        choices=("FULL", "VALID", "BATCH_SIZE", "NONE"),
        doc="the loss is divided by all places, those that count, the samples, or 1",
    )

    def shapes(self, x: Shape, target: Shape) -> Shape:
        axes.same_count(x, target, "targets")
        return ()

    def lower(self, b: Builder, x: Value, target: Value) -> Value:
        t = b.reshape(target, x.shape)
        mask = labels.counted(b, t, self.ignore_label)
        size = b.abs(x)
        # (x + |x|) / 2 for max(x, 0): its slope at 0 is 1/2, as that of the loss
        loss = 0.5 * (x + size) - x * t + b.log(1.0 + b.exp(-size))
        return labels.total(b, loss, mask, self.divisor(b, mask, prod(x.shape), x.shape[0] if x.shape else 1))
