"""L1Loss."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar

from netspec.layers import axes, distances, labels
from netspec.spec.layer import Layer, Measure, Problem, Shape, ShapeError, field, layer

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value


@layer
class L1Loss(Layer):
    """Sum of absolute differences, or of each place's Euclidean distance.

    Shapes
        x : N x ..; t, if given (else 0) : as many -> loss : a single number.
    Formula
        d = x - t, 0 where it is NaN (a target that is not known). ``sum |d| / N``, or, with
        ``l2_per_location``, ``sum over the places of sqrt(sum over the channels of d^2 + epsilon) / N``,
        the sum over the channels divided by C with ``l2_prescale_by_channels``. What is smaller
        than ``plateau`` (|d|, or the distance) counts as 0. With ``normalize_by_num_entries`` the
        divisor is the count of values that are not NaN, divided by C, in place of N.
    Gradient
        ``sign(d) / N``, 0 at 0.
    Source
        FlowNet 2.0's ``L1LossLayer`` (Ilg et al. 2017).
    Example
        {type: L1Loss, bottom: [x, y]}
    """

    bottoms: ClassVar[tuple[int, int | None]] = (1, 2)
    is_loss: ClassVar[bool] = True

    l2_per_location: bool = field(False, doc="the Euclidean distance over the channels (axis 1) at each place")
    l2_prescale_by_channels: bool = field(False, doc="with it: the mean of the squares, not their sum")
    normalize_by_num_entries: bool = field(False, doc="divide by the places that are not NaN, not by N")
    epsilon: float = field(1e-2, minimum=0, doc="below the root of l2_per_location")
    plateau: float = field(0.0, minimum=0, doc="smaller differences count as 0")

    def problems(self) -> Iterator[Problem]:
        yield from super().problems()
        for name in ("l2_prescale_by_channels", "epsilon"):
            if self.given(name) and not self.l2_per_location:
                yield Problem("E522", name, f"{name} needs l2_per_location: true", f"drop {name}")

    def shapes(self, x: Shape, target: Shape | None = None) -> Shape:
        if target is not None:
            axes.same_count(x, target, "targets")
        if self.l2_per_location and len(x) < 2:
            raise ShapeError("E413", f"l2_per_location works on N x C x .., its bottom is {axes.times(x)}")
        return ()

    def metric(self, top: int) -> Measure | None:
        return Measure("mean", weight="counted") if self.normalize_by_num_entries else None

    def lower(self, b: Builder, x: Value, target: Value | None = None) -> Value:
        d = x if target is None else x - b.reshape(target, x.shape)
        known = b.equal(d, d)
        d = b.where(known, d, 0.0)
        total = b.as_scalar(b.sum(self._terms(b, d)))
        if not self.normalize_by_num_entries:
            return total * (1.0 / distances.samples(x))
        channels = x.shape[1] if x.rank > 1 else 1
        return total / b.maximum(labels.count_places(b, known) * (1.0 / max(1, channels)), 1.0)

    def _terms(self, b: Builder, d: Value) -> Value:
        if not self.l2_per_location:
            size = b.abs(d)
            return b.where(size < self.plateau, 0.0, size) if self.plateau else size
        square = b.sum(d * d, 1)
        if self.l2_prescale_by_channels:
            square = square * (1.0 / max(1, d.shape[1]))
        if self.plateau:
            square = b.where(square < self.plateau**2, 0.0, square)
        return distances.power(b, square + self.epsilon, 0.5)
