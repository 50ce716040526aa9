"""From gradients to new parameters: accumulation over micro-steps, clipping, the update rule, averages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from compiler.builder import Builder
from compiler.ir import State, Value
from netspec.solvers.base import Learned
from netspec.solvers.lbfgs import LBFGS
from runtime.expr import arg
from runtime.ops import Map

if TYPE_CHECKING:
    from netspec.solvers.base import Solver


def lower_update(b: Builder, solver: Solver, learned: list[State]) -> None:
    """Adds everything behind the gradients of ``b.graph.grads`` to the graph."""
    if isinstance(solver, LBFGS):
        solver.lower_memory(b, learned)
        return
    grads: dict[str, Value] = dict(b.graph.grads)
    loss = b.graph.loss
    assert loss is not None, "there are gradients"
    if solver.iter_size > 1:
        _keep_running_states_each_micro_step(b)
        for state in learned:
            grads[state.name] = _accumulated(b, state.name, grads[state.name], solver.iter_size)
        if solver.lr_policy == "plateau":
            loss = _accumulated(b, "solver.loss", loss, solver.iter_size)
    factors = _clip_factors(b, solver, grads)
    with b.segment("update"):
        with b.scope("solver", "update"):
            rate = solver.lower_rate(b, loss)
        for state in learned:
            with b.scope(_layer(state.name), "update"):
                g, factor = grads[state.name], factors.get(state.name)
                if factor is not None:
                    g = g * factor
                of = Learned(state.name, rate * state.lr_mult, solver.weight_decay * state.decay_mult)
                new = solver.lower_update(b, state.read, g, of)
                b.write(state.read, new)
                if solver.average_weights:
                    _average(b, state, new, solver.average_weights)


def _layer(name: str) -> str:
    return name.rpartition(".")[0]


def _average(b: Builder, state: State, new: Value, share: float) -> None:
    """``a = s a + (1 - s) W`` with s = min(share, (1 + k) / (10 + k)) after k updates, so that it forgets the start."""
    average = b.average_of(state).read
    done = b.scalar("iteration")
    kept = b.minimum(share, (1.0 + done) / (10.0 + done))
    b.write(average, average * kept + new * (1.0 - kept))


def _keep_running_states_each_micro_step(b: Builder) -> None:
    """Running statistics move with every micro-step, as they do with every forward of Caffe."""
    with b.segment("accumulate"):
        for state in b.graph.states.values():
            if state.written is not None:
                with b.scope(_layer(state.name), "forward"):
                    state.written = b.emit1(Map((arg(0),), state.read.shape), state.written)


def _accumulated(b: Builder, name: str, g: Value, iter_size: int) -> Value:
    """The mean over the micro-steps so far of a gradient, or of the loss."""
    with b.segment("accumulate"), b.scope(_layer(name), "backward"):
        so_far = b.state_of(name + ".accumulated", "solver", g.shape)
        first = b.apply("eq", b.scalar("micro_step"), 0.0)
        total = b.where(first, 0.0, so_far) + g * (1.0 / iter_size)
        b.write(so_far, total)
    return total


def _clip_factors(b: Builder, solver: Solver, grads: dict[str, Value]) -> dict[str, Value]:
    """min(1, limit / norm) for each gradient, shape (); of all together, or of each layer's. Empty without clipping."""
    if solver.clip_gradients <= 0:
        return {}
    groups: dict[str, list[str]] = {}
    for name in grads:
        groups.setdefault("" if solver.clip_norm == "global" else _layer(name), []).append(name)
    found: dict[str, Value] = {}
    with b.segment("reduce"):
        for layer, names in groups.items():
            squares = []
            for name in names:
                with b.scope(_layer(name), "update"):
                    squares.append(b.as_scalar(b.sum(grads[name] * grads[name])))
            with b.scope(layer or "clip_gradients", "update"):
                norm = b.sqrt(_total(squares))
                factor = b.where(norm > solver.clip_gradients, solver.clip_gradients / norm, 1.0)
            found.update(dict.fromkeys(names, factor))
    return found


def _total(parts: list[Value]) -> Value:
    """Their sum, in pairs: one after another, hundreds of parameters would nest a formula hundreds deep."""
    while len(parts) > 1:
        pairs = [left + right for left, right in zip(parts[::2], parts[1::2], strict=False)]
        parts = [*pairs, *parts[len(pairs) * 2 :]]
    return parts[0]
