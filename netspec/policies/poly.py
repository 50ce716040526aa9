"""The rate that falls to 0 at the last iteration."""

from __future__ import annotations

from dataclasses import dataclass

from netspec.policies.base import Policy, policy, power


@policy("poly")
@dataclass(frozen=True, kw_only=True)
class Poly(Policy):
    """``rate = base_lr * (1 - iteration / max_iter) ** power``; 0 from ``max_iter`` on."""

    power: float
    max_iter: int

    def rate(self, iteration: int) -> float:
        left = 1.0 - iteration / self.max_iter
        # past the end a fractional power of a negative number would be complex
        return self.base_lr * power(left, self.power) if left > 0 else 0.0
