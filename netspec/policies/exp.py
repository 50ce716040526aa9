"""The rate that decays exponentially."""

from __future__ import annotations

from dataclasses import dataclass

from netspec.policies.base import Policy, policy, power


@policy("exp")
@dataclass(frozen=True, kw_only=True)
class Exp(Policy):
    """``rate = base_lr * gamma ** iteration``."""

    gamma: float

    def rate(self, iteration: int) -> float:
        return self.base_lr * power(self.gamma, iteration)
