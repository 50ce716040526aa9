"""AdaGrad."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netspec.solvers.base import Learned, Solver
from netspec.spec.fields import field
from netspec.spec.registry import solver

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value


@solver
class AdaGrad(Solver):
    """``h = h + g^2``, ``W = W - rate lr_mult g / (sqrt(h) + delta)``, g with the decay.

    State
        ``<param>.history`` : h, as the parameter, from 0.
    Source
        Duchi et al. 2011; Caffe ``AdaGradSolver`` (which takes no momentum either).
    """

    delta: float = field(1e-8, above=0, doc="added to the root, so that nothing is divided by 0")

    def lower_update(self, b: Builder, w: Value, g: Value, of: Learned) -> Value:
        """Steps shrink by the root of all squares so far."""
        squares = self.memory(b, of, "history", w)
        slope = self.decayed(b, w, g, of.decay)
        new = squares + slope * slope
        b.write(squares, new)
        return w - of.rate * (slope / (b.sqrt(new) + self.delta))
