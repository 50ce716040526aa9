"""SigmoidFocalLoss."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netspec.layers import labels
from netspec.layers.binary import Binary
from netspec.layers.neuron import softplus
from netspec.spec.layer import field, layer

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value


@layer
class SigmoidFocalLoss(Binary):
    """Cross-entropy of the sigmoid of scores in which what is right already counts little.

    Shapes
        scores : N x ..; targets : as many, 0 or 1 -> loss : a single number.
    Formula
        q = sigmoid(x) where the target is 1, 1 - sigmoid(x) where it is 0; ``-a (1 - q)^gamma log q``
        with a = alpha or 1 - alpha; summed over the places whose target is not
        ``ignore_label``, divided by N unless ``normalization`` says otherwise.
    Gradient
        The derivative of the formula for x.
    Source
        Lin et al. 2017 (RetinaNet), equation 5.
    Example
        - {name: hot, type: Threshold, bottom: y, threshold: 0.5}
        - {name: loss, type: SigmoidFocalLoss, bottom: [x, hot]}
    """

    gamma: float = field(2.0, minimum=0, doc="how fast what is right loses its weight")
    alpha: float = field(0.25, minimum=0, maximum=1, doc="weight of the targets 1; those of 0 have the rest")

    def terms(self, b: Builder, x: Value, t: Value) -> Value:
        hot = t > 0.5
        signed = b.where(hot, x, -x)
        entropy = softplus(b, -signed)  # -log sigmoid(signed)
        return labels.focal(b, entropy, self.gamma) * b.where(hot, self.alpha, 1.0 - self.alpha)
