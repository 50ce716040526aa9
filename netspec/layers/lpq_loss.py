"""LpqLoss."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING

from netspec.layers import axes, distances
from netspec.layers.differences import Differences
from netspec.spec.layer import Problem, Shape, field, layer

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value


@layer
class LpqLoss(Differences):
    """A power of the sum over the channels of a power of the differences.

    Shapes
        x : N x C x ..; t, if given (else 0) : as many -> loss : a single number.
    Formula
        d = x - t, 0 where it is NaN (a target that is not known); summed over the places:
        ``(sum over the channels of (|d| + p_epsilon)^p + q_epsilon)^q``, divided by N. p 2 and q 0.5 are
        the Euclidean distance. Several ``p`` and ``q`` take turns at the iterations of
        ``pq_episode_starts_at_iter``. ``l2_prescale_by_channels`` divides the inner sum by C;
        with ``normalize_by_num_entries`` the divisor is the count of values that are not NaN,
        divided by C.
    Gradient
        0 where d is 0.
    Source
        FlowNet 2.0's ``LpqLossLayer``.
    Example
        {type: LpqLoss, bottom: [x, y], p: 2, q: 0.5}
    """

    p: tuple[float, ...] = field((2.0,), above=0, doc="the inner powers, one an episode")
    q: tuple[float, ...] = field((0.5,), above=0, doc="the outer powers, one an episode")
    pq_episode_starts_at_iter: tuple[int, ...] = field((0,), minimum=0, doc="when each episode begins, rising from 0")
    p_epsilon: float = field(0.0, minimum=0, doc="added below the inner power")
    q_epsilon: float = field(1e-2, minimum=0, doc="added below the outer power")

    def problems(self) -> Iterator[Problem]:
        yield from super().problems()
        starts = self.pq_episode_starts_at_iter
        if not len(self.p) == len(self.q) == len(starts):
            message = f"{len(self.p)} of p, {len(self.q)} of q, {len(starts)} of pq_episode_starts_at_iter"
            yield Problem("E512", "p", message, "give as many of each")
        if starts[:1] != (0,) or any(early >= late for early, late in pairwise(starts)):
            message = "the first episode begins at 0, each other later than the one before"
            name = "pq_episode_starts_at_iter"
            yield Problem("E504", name, message, f"{name}: {[1000 * k for k in range(len(self.p))]}")

    def shapes(self, x: Shape, target: Shape | None = None) -> Shape:
        axes.channelled("LpqLoss", x)
        return super().shapes(x, target)

    def terms(self, b: Builder, d: Value) -> Value:
        inner = distances.power(b, b.abs(d) + self.p_epsilon, self._current(b, self.p))
        return distances.power(b, self.over_channels(b, inner) + self.q_epsilon, self._current(b, self.q))

    def _current(self, b: Builder, powers: tuple[float, ...]) -> float | Value:
        """The power of the episode that the iteration is in."""
        found: float | Value = powers[0]
        for start, later in zip(self.pq_episode_starts_at_iter[1:], powers[1:], strict=True):
            found = b.where(b.scalar("iteration") >= float(start), later, found)
        return found
