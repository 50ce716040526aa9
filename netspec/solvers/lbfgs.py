"""Limited-memory BFGS."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import TYPE_CHECKING

from netspec.solvers.base import Solver
from netspec.spec.fields import Problem, field
from netspec.spec.registry import solver

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import State


@solver(name="L-BFGS")
class LBFGS(Solver):
    """Quasi-Newton steps ``W = W - t H g``, H from the last ``history`` steps and changes of the gradient.

    t meets the strong Wolfe conditions: an iteration evaluates the net several times, all on one
    batch, so it is made for small nets and for images as parameters. The decay is part of what is
    lowered. lr_mult 0 freezes a parameter; other factors have no meaning here.

    State
        ``solver.steps``, ``solver.slopes`` : history x all learned numbers; ``solver.count``.
    Source
        Nocedal and Wright 2006, algorithms 7.4, 3.5 and 3.6.
    """

    base_lr: float = field(1.0, above=0, doc="first length that is tried along a direction")
    history: int = field(10, minimum=1, maximum=1000, doc="steps that are remembered")
    max_evaluations: int = field(20, minimum=1, doc="most evaluations of the net in one iteration")

    def problems(self) -> Iterator[Problem]:
        """Yield what does not go with a search."""
        yield from super().problems()
        if self.iter_size > 1:
            yield Problem(
                "E504", "iter_size", "L-BFGS searches on one batch", "a larger batch_size in place of iter_size"
            )
        for name, off in (("clip_gradients", -1.0), ("average_weights", 0.0), ("lr_policy", "fixed"), ("warmup", 0)):
            if getattr(self, name) != off:
                yield Problem("W122", name, f"L-BFGS does not use {name}", f"drop {name}", "warning")

    def rate(self, iteration: int) -> float:
        """The first length that is tried."""
        return self.base_lr

    def lower_memory(self, b: Builder, learned: list[State]) -> None:
        """Makes the states; the search itself runs on the host."""
        numbers = sum(prod(s.read.shape) for s in learned)
        for name, shape in (("steps", (self.history, numbers)), ("slopes", (self.history, numbers)), ("count", ())):
            b.state_of(f"solver.{name}", "solver", shape)
