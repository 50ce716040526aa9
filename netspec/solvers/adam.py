"""Adam."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netspec.solvers.base import Learned
from netspec.solvers.moments import Moments
from netspec.spec.registry import solver

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value


@solver
class Adam(Moments):
    """``m = b1 m + (1 - b1) g``, ``v = b2 v + (1 - b2) g^2``, ``W = W - rate lr_mult c m / (sqrt(v) + delta)``.

    ``c = sqrt(1 - b2^t) / (1 - b1^t)`` with t = iteration + 1, b1 the ``momentum``, b2 ``momentum2``.
    The decay is coupled: g holds it. delta is added to the root before c corrects it (the paper's
    "epsilon hat").

    State
        ``<param>.history`` : m, ``<param>.squares`` : v; as the parameter, from 0.
    Source
        Kingma and Ba 2015, end of section 2; Caffe ``AdamSolver``.
    """

    def lower_update(self, b: Builder, w: Value, g: Value, of: Learned) -> Value:
        """The mean gradient over the root of the mean square."""
        m, v = self.moments(b, w, self.decayed(b, w, g, of.decay), of)
        rate = of.rate * (b.scalar("correction") / b.scalar("correction2"))
        return w - rate * (m / (b.sqrt(v) + self.delta))
