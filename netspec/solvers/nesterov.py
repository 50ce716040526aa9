"""Nesterov's accelerated gradient."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netspec.solvers.base import Learned, Solver
from netspec.spec.fields import field
from netspec.spec.registry import solver

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value


@solver
class Nesterov(Solver):
    """``V' = momentum V + rate lr_mult (g + decay)``, ``W = W - (1 + momentum) V' + momentum V``.

    State
        ``<param>.history`` : V, as the parameter, from 0.
    Source
        Nesterov 1983; Sutskever et al. 2013; Caffe ``NesterovSolver``.
    """

    momentum: float = field(0.0, minimum=0, below=1, doc="share of the velocity that is kept")

    def lower_update(self, b: Builder, w: Value, g: Value, of: Learned) -> Value:
        """The step looks ahead along the velocity."""
        velocity = self.memory(b, of, "history", w)
        new = self.momentum * velocity + of.rate * self.decayed(b, w, g, of.decay)
        b.write(velocity, new)
        return w - ((1.0 + self.momentum) * new - self.momentum * velocity)
