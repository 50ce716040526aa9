"""The rate that rises once and falls once."""

from __future__ import annotations

from dataclasses import dataclass

from netspec.policies.base import Policy, half_wave, policy

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
        part = (iteration - self.stepsize) / max(1, self.max_iter - self.stepsize)
        return half_wave(self.base_lr, self.min_lr, part)
