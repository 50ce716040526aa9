"""Pairs of vectors that are alike or not: what ContrastiveLoss and CosineEmbeddingLoss have in common."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, ClassVar

from netspec.layers import axes, distances
from netspec.spec.layer import Layer, ShapeError

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value
    from netspec.spec.layer import Shape


class Paired(Layer):
    """Base of the losses over vectors a, b : N x .. and a flag for each pair."""

    bottoms: ClassVar[tuple[int, int | None]] = (3, 3)
    label_bottoms: ClassVar[tuple[int, ...]] = (2,)
    is_loss: ClassVar[bool] = True

    def shapes(self, a: Shape, other: Shape, same: Shape) -> Shape:
        distances.check_pairs(a, other)
        if prod(same) != a[0] or same[:1] != a[:1]:
            message = f"{axes.times(a)} need {a[0]} flags, got {axes.times(same)}"
            raise ShapeError("E416", message, "give one flag a sample")
        return ()

    def label_range(self, a: Shape, other: Shape, same: Shape) -> tuple[int, int | None]:
        """Return 2: alike or not."""
        return 2, None

    @staticmethod
    def are_alike(b: Builder, same: Value) -> Value:
        """Whether each pair is alike, b1 N x 1."""
        return b.not_equal(b.reshape(same, (same.shape[0], 1)), 0)
