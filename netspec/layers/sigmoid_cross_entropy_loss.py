"""SigmoidCrossEntropyLoss."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netspec.layers.binary import Binary
from netspec.layers.neuron import softplus
from netspec.spec.layer import layer

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value


@layer
class SigmoidCrossEntropyLoss(Binary):
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

    def terms(self, b: Builder, x: Value, t: Value) -> Value:
        return softplus(b, x) - x * t
