"""The rate that rises once and falls once."""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, pi

from netspec.policies.base import Policy, policy

START = 25.0
"""base_lr over the rate of the first update."""


@policy("one_cycle")
@dataclass(frozen=True, kw_only=True)
class OneCycle(Policy):
    """``rate = base_lr`` at ``stepsize``; it rises there in a line from base_lr / 25 and falls along half a wave.

    At ``max_iter`` it is min_lr and stays there. Source: Smith 2018.
    """

    stepsize: int
    max_iter: int
    min_lr: float = 0.0

    def rate(self, iteration: int) -> float:
        if iteration < self.stepsize:
            low = self.base_lr / START
            return low + (self.base_lr - low) * iteration / self.stepsize
        part = min(1.0, (iteration - self.stepsize) / max(1, self.max_iter - self.stepsize))
        return self.min_lr + (self.base_lr - self.min_lr) / 2 * (1 + cos(pi * part))
