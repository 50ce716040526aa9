"""L1Loss."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from netspec.layers import axes, distances
from netspec.layers.differences import Differences
from netspec.spec.layer import Problem, Shape, field, layer

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value


@layer
class L1Loss(Differences):
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

    l2_per_location: bool = field(False, doc="the Euclidean distance over the channels (axis 1) at each place")
    epsilon: float = field(1e-2, minimum=0, doc="below the root of l2_per_location")
    plateau: float = field(0.0, minimum=0, doc="smaller differences count as 0")

    def problems(self) -> Iterator[Problem]:
        yield from super().problems()
        for name in ("l2_prescale_by_channels", "epsilon"):
            if self.given(name) and not self.l2_per_location:
                yield Problem("E522", name, f"{name} needs l2_per_location: true", f"drop {name}")

    def shapes(self, x: Shape, target: Shape | None = None) -> Shape:
        if self.l2_per_location:
            axes.channelled("l2_per_location", x)
        return super().shapes(x, target)

    def terms(self, b: Builder, d: Value) -> Value:
        if not self.l2_per_location:
            size = b.abs(d)
            return b.where(size < self.plateau, 0.0, size) if self.plateau else size
        square = self.over_channels(b, d * d)
        if self.plateau:
            square = b.where(square < self.plateau**2, 0.0, square)
        return distances.power(b, square + self.epsilon, 0.5)
