"""The rate that goes from one level to another along a sigmoid."""

from __future__ import annotations

from dataclasses import dataclass
from math import exp

from netspec.policies.base import Policy, policy


@policy("sigmoid")
@dataclass(frozen=True, kw_only=True)
class Sigmoid(Policy):
    """``rate = base_lr / (1 + exp(-gamma * (iteration - stepsize)))``.

    Caffe's sign: a positive ``gamma`` raises the rate, a negative one lowers it.
    """

    gamma: float
    stepsize: int

    def rate(self, iteration: int) -> float:
        z = self.gamma * (iteration - self.stepsize)
        # exp of a positive number could overflow
        return self.base_lr / (1.0 + exp(-z)) if z >= 0 else self.base_lr * exp(z) / (1.0 + exp(z))
