"""Stochastic gradient descent with momentum."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netspec.solvers.base import Solver
from netspec.spec.fields import field
from netspec.spec.registry import solver

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value


@solver
class SGD(Solver):
    """``V = momentum V + rate lr_mult (g + decay)``, ``W = W - V``.

    The rate is inside the velocity, so a drop of it does not shrink what has
    been gathered (unlike ``W = W - rate V``). The decay is coupled: added to the
    gradient.

    State
        ``<param>.history`` : V, as the parameter, from 0.
    Source
        Polyak 1964; Caffe ``SGDSolver``.
    """

    momentum: float = field(0.0, minimum=0, below=1, doc="share of the velocity that is kept")

    def lower_update(self, b: Builder, w: Value, g: Value, name: str, lr_mult: float, decay_mult: float) -> Value:
        """``w - V``; writes the new velocity to ``<name>.history``."""
        velocity = b.state_of(f"{name}.history", "solver", w.shape)
        step = (b.scalar("rate") * lr_mult) * self.decayed(b, w, g, decay_mult)
        new = self.momentum * velocity + step
        b.write(velocity, new)
        return w - new
