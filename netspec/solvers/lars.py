"""Layer-wise rates."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netspec.solvers.base import Learned, Solver
from netspec.spec.fields import field
from netspec.spec.registry import solver

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value


@solver
class LARS(Solver):
    """SGD whose rate is scaled for each parameter: ``s = trust |W| / (|g| + decay |W|)``, 1 where either norm is 0.

    ``V = momentum V + rate lr_mult s (g + decay)``, ``W = W - V``. Norms are Euclidean over the
    whole parameter.

    State
        ``<param>.history`` : V, as the parameter, from 0.
    Source
        You et al. 2017, algorithm 1.
    """

    momentum: float = field(0.0, minimum=0, below=1, doc="share of the velocity that is kept")
    trust: float = field(0.001, above=0, doc="how far one step may change a parameter, over its norm")

    def lower_update(self, b: Builder, w: Value, g: Value, of: Learned) -> Value:
        """A parameter moves by a share of its own size."""
        velocity = self.memory(b, of, "history", w)
        size, slope = (b.sqrt(b.as_scalar(b.sum(v * v))) for v in (w, g))
        known = b.both(size > 0.0, slope > 0.0)
        scale = b.where(known, self.trust * size / (slope + of.decay * size), 1.0)
        new = self.momentum * velocity + (of.rate * scale) * self.decayed(b, w, g, of.decay)
        b.write(velocity, new)
        return w - new
