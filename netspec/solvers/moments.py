"""The first two moments of the gradient: what Adam and AdamW have in common."""

from __future__ import annotations

from collections.abc import Iterator
from math import sqrt
from typing import TYPE_CHECKING

from netspec.solvers.base import Learned, Solver
from netspec.spec.fields import Problem, field

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
