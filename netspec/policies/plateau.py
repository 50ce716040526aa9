"""The rate that drops when the loss does not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from netspec.policies.base import Policy, policy

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value

FAR = 3e38
"""Above every loss: what the lowest one starts from."""


@policy("plateau")
@dataclass(frozen=True, kw_only=True)
class Plateau(Policy):
    """``rate = base_lr * gamma ** drops``: it drops whenever the loss has not been lower for ``patience`` iterations.

    The loss that counts is a moving average over about ``average_loss`` iterations. What has been
    seen is state of the plan (``solver.mean``, ``.best``, ``.since``, ``.factor``, and ``.rate``, that of
    the last update), so a resumed run drops the rate where the whole one does. ``min_lr`` bounds it
    from below.
    """

    gamma: float
    patience: int
    average_loss: int = 20
    min_lr: float = 0.0

    def rate(self, iteration: int) -> float:
        return self.base_lr

    def lower_rate(self, b: Builder, rate: Value, loss: Value) -> Value:
        mean, best, since, factor = (
            b.state_of(f"solver.{name}", "solver", (), start)
            for name, start in (("mean", 0.0), ("best", FAR), ("since", 0.0), ("factor", 1.0))
        )
        used = b.state_of("solver.rate", "solver", ())
        # the first iterations average over what there is
        share = b.maximum(1.0 / self.average_loss, 1.0 / (b.scalar("iteration") + 1.0))
        smooth = mean + (loss - mean) * share
        lower = smooth < best
        waited = b.where(lower, 0.0, since + 1.0)
        drop = waited >= float(self.patience)
        b.write(mean, smooth)
        b.write(best, b.where(lower, smooth, best))
        b.write(since, b.where(drop, 0.0, waited))
        b.write(factor, b.where(drop, factor * self.gamma, factor))
        now = b.maximum(rate * factor, b.minimum(rate, self.min_lr)) if self.min_lr else rate * factor
        b.write(used, now)
        return now
