"""The rate that drops at given iterations."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass

from netspec.policies.base import Policy, policy, power


@policy("multistep")
@dataclass(frozen=True, kw_only=True)
class MultiStep(Policy):
    """``rate = base_lr * gamma ** (number of stepvalues <= iteration)``."""

    gamma: float
    stepvalue: tuple[int, ...]

    def rate(self, iteration: int) -> float:
        return self.base_lr * power(self.gamma, bisect_right(self.stepvalue, iteration))
