"""Positive weights that sum to 1 for each output."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from netspec.spec.layer import Filler, filler

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value
    from netspec.spec.layer import Shape


@filler(name="positive_unitball")
class PositiveUnitBall(Filler):
    """``w = u / sum(u)`` over each output's weights, ``u ~ U[0, 1)``.

    Keeps the activations of a sigmoid net in its linear range.

    Source
        Caffe ``PositiveUnitballFiller``.
    """

    draws: ClassVar[bool] = True

    def problem(self, shape: Shape) -> str | None:
        """A scalar has no weights to share 1 among."""
        return None if shape else "positive_unitball needs at least one axis"

    def lower(self, b: Builder, shape: Shape, stream: int) -> Value:
        u = b.uniform(shape, stream)
        return u / b.sum(u, tuple(range(1, len(shape)))) if len(shape) > 1 else b.full(shape, 1.0)
