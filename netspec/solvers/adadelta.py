"""AdaDelta."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netspec.solvers.base import Learned, Solver
from netspec.spec.fields import field
from netspec.spec.registry import solver

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value


@solver
class AdaDelta(Solver):
    """``h = mu h + (1 - mu) g^2``, ``u = g sqrt((delta + k) / (delta + h))``, ``k = mu k + (1 - mu) u^2``.

    Then ``W = W - rate lr_mult u``, g with the decay and mu the ``momentum``; base_lr is 1 as a rule.

    State
        ``<param>.history`` : h, ``<param>.updates`` : k; as the parameter, from 0.
    Source
        Zeiler 2012; Caffe ``AdaDeltaSolver``.
    """

    momentum: float = field(0.95, minimum=0, below=1, doc="mu, share of both mean squares that is kept")
    delta: float = field(1e-8, above=0, doc="added to both mean squares: the size of the first steps")

    def lower_update(self, b: Builder, w: Value, g: Value, of: Learned) -> Value:
        """Steps have the size of earlier ones, not of the rate."""
        squares, updates = self.memory(b, of, "history", w), self.memory(b, of, "updates", w)
        slope, mu = self.decayed(b, w, g, of.decay), self.momentum
        seen = mu * squares + (1.0 - mu) * (slope * slope)
        step = slope * b.sqrt((updates + self.delta) / (seen + self.delta))
        b.write(squares, seen)
        b.write(updates, mu * updates + (1.0 - mu) * (step * step))
        return w - of.rate * step
