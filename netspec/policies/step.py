"""The rate that drops at regular intervals."""

from __future__ import annotations

from dataclasses import dataclass

from netspec.policies.base import Policy, policy, power


@policy("step")
@dataclass(frozen=True, kw_only=True)
class Step(Policy):
    """``rate = base_lr * gamma ** floor(iteration / stepsize)``."""

    gamma: float
    stepsize: int

    def rate(self, iteration: int) -> float:
        return self.base_lr * power(self.gamma, iteration // self.stepsize)
