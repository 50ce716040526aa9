"""Adam, and Adam with the decay outside."""

from __future__ import annotations

from collections.abc import Iterator
from math import sqrt
from typing import TYPE_CHECKING

from netspec.solvers.base import Learned, Solver
from netspec.spec.fields import Problem, field
from netspec.spec.registry import solver

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value


class Moments(Solver):
    """Base of the solvers that follow the first two moments of the gradient."""

    momentum: float = field(0.0, minimum=0, below=1, doc="beta1, share of the mean gradient that is kept; write 0.9")
    momentum2: float = field(0.999, minimum=0, below=1, doc="beta2, share of the mean square that is kept")
    delta: float = field(1e-8, above=0, doc="epsilon, added to the root")

    def problems(self) -> Iterator[Problem]:
        """Yield a warning where the momentum was forgotten: Caffe's default is 0."""
        yield from super().problems()
        if not self.given("momentum"):
            message = f"{self.type_name} without momentum keeps no mean gradient (Caffe's default is 0)"
            yield Problem("W131", None, message, "momentum: 0.9", "warning")

    def corrections(self, iteration: int) -> tuple[float, float]:
        """``1 / (1 - b1^t)`` and ``1 / sqrt(1 - b2^t)``, for the update that follows ``iteration`` finished ones."""
        t = iteration + 1
        return 1.0 / (1.0 - self.momentum**t), 1.0 / sqrt(1.0 - self.momentum2**t)

    def moments(self, b: Builder, w: Value, g: Value, of: Learned) -> tuple[Value, Value]:
        """The new mean gradient m and mean square v; written to ``<param>.history`` and ``<param>.squares``."""
        mean, squares = self.memory(b, of, "history", w), self.memory(b, of, "squares", w)
        m = self.momentum * mean + (1.0 - self.momentum) * g
        v = self.momentum2 * squares + (1.0 - self.momentum2) * (g * g)
        b.write(mean, m)
        b.write(squares, v)
        return m, v


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
