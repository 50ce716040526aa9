"""Steps of one size."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netspec.solvers.base import Learned, Solver
from netspec.spec.registry import solver

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value


@solver
class SignSGD(Solver):
    """``W = W - rate lr_mult sign(g)``, g with the decay; an element with slope 0 stays.

    Source
        Bernstein et al. 2018; one step of it on an image is Goodfellow's fast gradient sign.
    """

    def lower_update(self, b: Builder, w: Value, g: Value, of: Learned) -> Value:
        """Every element moves by the rate."""
        return w - of.rate * b.sign(self.decayed(b, w, g, of.decay))
