"""RMSProp."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netspec.solvers.base import Learned, Solver
from netspec.spec.fields import field
from netspec.spec.registry import solver

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value


@solver
class RMSProp(Solver):
    """``h = rho h + (1 - rho) g^2``, ``W = W - rate lr_mult g / (sqrt(h) + delta)``, g with the decay.

    State
        ``<param>.history`` : h, as the parameter, from 0.
    Source
        Tieleman and Hinton 2012; Caffe ``RMSPropSolver`` (rho is ``rms_decay``; no momentum).
    """

    rms_decay: float = field(0.99, minimum=0, below=1, doc="rho, share of the mean square that is kept")
    delta: float = field(1e-8, above=0, doc="added to the root, so that nothing is divided by 0")

    def lower_update(self, b: Builder, w: Value, g: Value, of: Learned) -> Value:
        """Steps are divided by the root of a moving mean of the squares."""
        squares = self.memory(b, of, "history", w)
        slope = self.decayed(b, w, g, of.decay)
        new = self.rms_decay * squares + (1.0 - self.rms_decay) * (slope * slope)
        b.write(squares, new)
        return w - of.rate * (slope / (b.sqrt(new) + self.delta))
