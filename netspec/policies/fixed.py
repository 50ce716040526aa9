"""The rate that never changes."""

from __future__ import annotations

from dataclasses import dataclass

from netspec.policies.base import Policy, policy


@policy("fixed")
@dataclass(frozen=True, kw_only=True)
class Fixed(Policy):
    """``rate = base_lr``."""

    def rate(self, iteration: int) -> float:
        return self.base_lr
