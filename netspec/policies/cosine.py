"""The rate that falls along half a wave."""

from __future__ import annotations

from dataclasses import dataclass

from netspec.policies.base import Policy, half_wave, policy


@policy("cosine")
@dataclass(frozen=True, kw_only=True)
class Cosine(Policy):
    """``rate = base_lr / 2 * (1 + cos(pi * iteration / max_iter))``, between base_lr and ``min_lr`` if that is given.

    From ``max_iter`` on it is min_lr. Source: Loshchilov and Hutter 2017, equation 5, without restarts.
    """

    max_iter: int
    min_lr: float = 0.0

    def rate(self, iteration: int) -> float:
        return half_wave(self.base_lr, self.min_lr, iteration / self.max_iter)
