"""A yes or no for each score: what the losses behind a sigmoid have in common."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, ClassVar

from netspec.layers import axes, labels
from netspec.spec.layer import field

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value
    from netspec.spec.layer import Shape


class Binary(labels.Normalised):
    """Base of the losses over scores N x .. and as many targets, summed and divided by N unless a field says else."""

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
        divisor = self.divisor(b, mask, prod(x.shape), x.shape[0] if x.shape else 1)
        return labels.total(b, self.terms(b, x, t), mask, divisor)

    def terms(self, b: Builder, x: Value, t: Value) -> Value:
        """Return the loss of each score, of the shape of x and t."""
        raise NotImplementedError(type(self).__name__)
