"""How a training step is taken: micro-steps that end in one update, or a search for the lowest point on a line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from math import inf
from typing import TYPE_CHECKING

import numpy as np

from netspec import quasi_newton
from netspec.mappings import Array
from netspec.quasi_newton import Point, Vector
from netspec.solvers.lbfgs import LBFGS
from runtime.errors import NumericError
from runtime.executor import NOT_FINITE

if TYPE_CHECKING:
    from netspec.net import Net
    from netspec.solvers.base import Solver


def take_step(
    net: Net, solver: Solver, batches: Sequence[Mapping[str, Array]], from_source: bool = False
) -> tuple[list[dict[str, Array]], float]:
    """One update.

    Parameters
    ----------
    batches
        One for each micro-step.
    from_source
        Whether they are of the net's data source, and the next ones will be too.

    Returns
    -------
    tuple
        The outputs of each micro-step, and the mean of the weighted sums of losses.

    Raises
    ------
    NumericError
        The loss is not finite; nothing was written.
    """
    names = ("rate", "correction", "correction2")
    for name, number in zip(names, (solver.rate(net.iteration), *solver.corrections(net.iteration)), strict=True):
        net.executor.set(name, number)
    if isinstance(solver, LBFGS):
        return _search(net, solver, batches[0])
    return _update(net, batches, from_source)


def _update(
    net: Net, batches: Sequence[Mapping[str, Array]], from_source: bool
) -> tuple[list[dict[str, Array]], float]:
    outputs: list[dict[str, Array]] = []
    losses: list[float] = []
    for k, batch in enumerate(batches):
        net.feed(batch)
        net.executor.set("micro_step", k)
        last = ("reduce", "update", "commit") if k == len(batches) - 1 else ()
        if k + 1 < len(batches):
            net.executor.meanwhile = partial(net.stage, batches[k + 1])
        else:
            net.executor.meanwhile = net.stage if from_source else None
        status = net.walk("forward", "guard", "backward", "accumulate", *last)
        net.executor.meanwhile = None
        losses.append(net.read_loss())
        if status == NOT_FINITE:
            raise not_finite(net, losses[-1], k)
        outputs.append(net.read_outputs())
    net.executor.set("micro_step", 0)
    return outputs, sum(losses) / len(losses)


def not_finite(net: Net, loss: float, micro_step: int = 0) -> NumericError:
    """The error that says where a loss went wrong."""
    return NumericError(f"iteration {net.iteration}: the loss is {loss}: {net.diagnose_not_finite(micro_step)}")


def _search(net: Net, solver: LBFGS, batch: Mapping[str, Array]) -> tuple[list[dict[str, Array]], float]:
    """One iteration of L-BFGS on a batch."""
    net.feed(batch)
    objective = _Objective(net, solver)
    x = objective.place()
    value, slope = objective(x)
    if value == inf:
        raise not_finite(net, net.read_loss())
    start = Point(x, value, slope)
    steps, slopes, count = (net.executor.array(net.states[f"solver.{n}"].view) for n in ("steps", "slopes", "count"))
    known = int(count)
    along = quasi_newton.direction(slope, quasi_newton.newest(steps, known), quasi_newton.newest(slopes, known))
    if along @ slope >= 0:
        known, along = 0, -slope
    # the gradient has no scale of its own: the first step has length base_lr at most
    length = solver.base_lr if known else solver.base_lr * min(1.0, 1.0 / max(float(np.abs(slope).sum()), 1e-300))
    end = start if not slope.any() else quasi_newton.search(objective, start, along, length, solver.max_evaluations)
    step, change = end.x - start.x, end.slope - start.slope
    if end is not start and quasi_newton.is_curved(step, change):
        quasi_newton.remember(steps, step)
        quasi_newton.remember(slopes, change)
        known += 1
    elif end is start:  # no lower point: what is remembered misleads
        known = 0
    count[...] = min(known, solver.history)
    net.executor.store.changed()
    if objective.at is not end.x:  # a search may come back to an earlier point
        objective(end.x)
    net.walk("commit")  # running statistics and carried states move once an iteration
    return [net.read_outputs()], net.read_loss()


class _Objective:
    """The loss and the penalty as a function of all learned numbers in one vector."""

    def __init__(self, net: Net, solver: LBFGS) -> None:
        self.net, self.solver = net, solver
        entries = [net.states[name] for name in net.plan.param_grads]
        self.arrays = [net.executor.array(e.view) for e in entries]
        self.decays = [solver.weight_decay * e.decay_mult for e in entries]
        self.at: Vector | None = None  # where it was evaluated last

    def place(self) -> Vector:
        return np.concatenate([np.asarray(a, np.float64).ravel() for a in self.arrays])

    def __call__(self, x: Vector) -> tuple[float, Vector]:
        """Value and gradient; infinity where the loss is not finite."""
        self.at = x
        parts = quasi_newton.lengths([a.size for a in self.arrays])
        for array, (start, stop) in zip(self.arrays, parts, strict=True):
            array[...] = x[start:stop].reshape(array.shape)
        self.net.executor.store.changed()
        if self.net.walk("forward", "guard", "backward", "gradients") == NOT_FINITE:
            return inf, np.zeros_like(x)
        value, slopes = self.net.read_loss(), []
        gradients = [self.net.executor.array(view) for view in self.net.plan.param_grads.values()]
        for array, gradient, decay in zip(self.arrays, gradients, self.decays, strict=True):
            w, g = np.asarray(array, np.float64), np.asarray(gradient, np.float64)
            if decay and self.solver.regularization_type == "L2":
                value, g = value + decay / 2 * float((w * w).sum()), g + decay * w
            elif decay:
                value, g = value + decay * float(np.abs(w).sum()), g + decay * np.sign(w)
            slopes.append(g.ravel())
        return value, np.concatenate(slopes)
