"""Adam with the decay outside."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netspec.solvers.base import Learned
from netspec.solvers.moments import Moments
from netspec.spec.registry import solver

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value


@solver
class AdamW(Moments):
    """Adam with the decay outside: ``W = W - rate lr_mult (m' / (sqrt(v') + delta) + decay W)``.

    ``m' = m / (1 - b1^t)``, ``v' = v / (1 - b2^t)``, moments of the gradient without the decay.

    State
        ``<param>.history`` : m, ``<param>.squares`` : v; as the parameter, from 0.
    Source
        Loshchilov and Hutter 2019, algorithm 2.
    """

    def lower_update(self, b: Builder, w: Value, g: Value, of: Learned) -> Value:
        """The corrected moments, and the weights themselves shrink."""
        m, v = self.moments(b, w, g, of)
        step = (m * b.scalar("correction")) / (b.sqrt(v) * b.scalar("correction2") + self.delta)
        return w - of.rate * self.decayed(b, w, step, of.decay)
