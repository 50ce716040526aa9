"""The rate that falls as a power of the iteration."""

from __future__ import annotations

from dataclasses import dataclass

from netspec.policies.base import Policy, policy, power


@policy("inv")
@dataclass(frozen=True, kw_only=True)
class Inv(Policy):
    """``rate = base_lr * (1 + gamma * iteration) ** -power``."""

    gamma: float
    power: float

    def rate(self, iteration: int) -> float:
        return self.base_lr * power(1.0 + self.gamma * iteration, -self.power)
