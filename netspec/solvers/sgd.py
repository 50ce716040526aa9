"""Stochastic gradient descent with momentum."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netspec.solvers.base import Learned, Solver
from netspec.spec.fields import field
from netspec.spec.registry import solver

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value


@solver
class SGD(Solver):
    """``V = momentum V + rate lr_mult (g + decay)``, ``W = W - V``.

    The rate is inside the velocity, so a drop of it does not shrink what has
    been gathered. ``velocity: textbook`` leaves it outside: ``V = momentum V + g + decay``,
    ``W = W - rate lr_mult V``. The decay is coupled: added to the gradient.

    State
        ``<param>.history`` : V, as the parameter, from 0.
    Source
        Polyak 1964; Caffe ``SGDSolver``; ``textbook`` as Sutskever et al. 2013.
    """

    momentum: float = field(0.0, minimum=0, below=1, doc="share of the velocity that is kept")
    velocity: str = field("caffe", choices=("caffe", "textbook"), doc="the rate inside the velocity, or outside")

    def lower_update(self, b: Builder, w: Value, g: Value, of: Learned) -> Value:
        """``w - V``; writes the new velocity to ``<name>.history``."""
        velocity = self.memory(b, of, "history", w)
        slope = self.decayed(b, w, g, of.decay)
        if self.velocity == "textbook":
            new = self.momentum * velocity + slope
            b.write(velocity, new)
            return w - of.rate * new
        new = self.momentum * velocity + of.rate * slope
        b.write(velocity, new)
        return w - new
