"""SigmoidFocalLoss."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, ClassVar

from netspec.layers import axes, labels
from netspec.spec.layer import Shape, field, layer

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value


@layer
class SigmoidFocalLoss(labels.Normalised):
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

    bottoms: ClassVar[tuple[int, int | None]] = (2, 2)
    is_loss: ClassVar[bool] = True

    gamma: float = field(2.0, minimum=0, doc="how fast what is right loses its weight")
    alpha: float = field(0.25, minimum=0, maximum=1, doc="weight of the targets 1; those of 0 have the rest")
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
        hot = t > 0.5
        signed = b.where(hot, x, -x)
        # -log sigmoid(s) = max(-s, 0) + log(1 + exp(-|s|)); halves, so that its slope at 0 is 1/2
        size = b.abs(signed)
        entropy = 0.5 * (size - signed) + b.log(1.0 + b.exp(-size))
        loss = labels.focal(b, entropy, self.gamma) * b.where(hot, self.alpha, 1.0 - self.alpha)
        return labels.total(b, loss, mask, self.divisor(b, mask, prod(x.shape), x.shape[0] if x.shape else 1))
