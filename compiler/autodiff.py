"""Differentiation of a graph under construction: reverse mode, and forward mode by its rules.

The gradient of each primitive is in ``compiler/primitives``; here they are
chained: operations backwards, sums where a value is used more than once, and
only what lies between the loss and the values asked for.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from compiler.ir import Op, Value
from compiler.primitives import rule
from runtime import ops
from runtime.expr import FLOATS, Expr, arg, call
from runtime.plan import Origin

if TYPE_CHECKING:
    from compiler.builder import Builder


def gradients(
    b: Builder,
    loss: Value | None,
    wrt: Sequence[Value],
    seeds: Mapping[Value, Value] | None = None,
    blocked: Collection[Value] = frozenset(),
    forward: bool = False,
) -> list[Value | None]:
    """d(loss)/d(v) for each v of ``wrt``, as values of segment ``backward``.

    Parameters
    ----------
    b
        The builder of the graph; operations are appended to it, each with the
        origin (layer of the forward operation, ``backward``).
    loss
        Summed if it has more than one element. May be None if ``seeds`` are given.
    wrt
        Inputs, states or values in between.
    seeds
        Gradients to start from, by value, in place of ones for the loss.
    blocked
        Values that no gradient reaches or passes, beside those of
        ``Builder.stop_gradient`` (which are reached, not passed).
    forward
        The gradients are part of the forward steps and serve the layer that asks for them.

    Returns
    -------
    list
        In the order of ``wrt``; None where the loss does not depend on v.

    Raises
    ------
    NotImplementedError
        If a gradient is needed through a primitive that has none; says which
        layer and why.
    """
    sweep = _Sweep(b, wrt, blocked, forward)
    if seeds is None:
        assert loss is not None, "a loss or seeds are needed"
        with sweep.serving(sweep.origins(loss)):
            seeds = {loss: b.full(loss.shape, 1.0)}
    for value, seed in seeds.items():
        assert value.shape == seed.shape, (value, seed)
        sweep.contribute(value, seed, sweep.origins(value))
    sweep.run()
    found = [sweep.total(v) for v in wrt]
    _prune(b, sweep.made_from, found)
    return found


def directional(b: Builder, outputs: Sequence[Value], tangents: Mapping[Value, Value]) -> list[Value | None]:
    """The derivative of each output along a direction: ``sum over x of dy/dx v``, part of the forward steps.

    No rule of its own is needed. With weights u on the outputs, reverse mode gives
    ``g = sum u dy/dx``, which is linear in u whatever u is; the derivative of ``sum g v``
    with respect to u is ``sum dy/dx v``. What depends on u alone is dead code then.

    Parameters
    ----------
    outputs
        Floating values.
    tangents
        The direction v for each value x that moves, of the same shape.

    Returns
    -------
    list
        In the order of ``outputs``, each of its shape; None where an output does not move.

    Raises
    ------
    NotImplementedError
        If a primitive on the way has no gradient, or its gradient has none.

    Source: Christianson's "double backward"; Townsend 2017.
    """
    unique = list(dict.fromkeys(outputs))
    # values that nothing makes: constants would be folded away
    weights = {y: Value(y.shape, y.dtype, builder=b) for y in unique}
    along = gradients(b, None, list(tangents), weights, forward=True)
    pairs = [(g, v) for g, v in zip(along, tangents.values(), strict=True) if g is not None]
    if not pairs:
        return [None] * len(outputs)
    total: Value | None = None
    for g, v in pairs:
        part = b.as_scalar(b.sum(g * v))
        total = part if total is None else total + part
    found = dict(zip(unique, gradients(b, total, list(weights.values()), forward=True), strict=True))
    return [found[y] for y in outputs]


class _Sweep:
    """The state of one backward walk."""

    def __init__(self, b: Builder, wrt: Sequence[Value], blocked: Collection[Value], forward: bool):
        self.b = b
        self.forward = forward
        self.ops = list(b.graph.ops)
        self.made_from = len(self.ops)
        self.blocked = frozenset(blocked)
        self.parts: dict[Value, list[tuple[Value, tuple[Origin, ...]]]] = {}
        self.totals: dict[Value, Value] = {}
        self.needed = self._needed(wrt)

    @contextmanager
    def serving(self, origin: Sequence[Origin]) -> Iterator[None]:
        """Operations made inside go to segment ``backward`` and serve the layers of ``origin``."""
        if self.forward:
            yield
            return
        layers = sorted({o.layer for o in origin})
        with self.b.segment("backward"), self.b.scope(layers[0], "backward") as scope:
            scope.extra_origins = tuple(Origin(layer, "backward") for layer in layers[1:])
            yield

    def _needed(self, wrt: Sequence[Value]) -> set[Value]:
        """Values of ``wrt`` and those that depend on them by a path that may carry a gradient."""
        needed = {v for v in wrt if v not in self.blocked}
        passing = {v for v in needed if not self.b.is_stopped(v)}
        for op in self.ops:
            if any(v in passing for v in op.inputs):
                reached = {v for v in op.outputs if v.dtype in FLOATS and v not in self.blocked}
                reached = {v for v in reached if not self.b.is_stopped(v)}
                needed |= reached
                passing |= reached
        return needed

    def run(self) -> None:
        """Every operation backwards."""
        for op in reversed(self.ops):
            wanted = any(v in self.needed for v in op.inputs)
            if wanted and any(v in self.parts and not self.b.is_stopped(v) for v in op.outputs):
                self._visit(op)

    def _visit(self, op: Op) -> None:
        dys = [self.total(v) for v in op.outputs]
        chosen = rule(op.prim)
        layer = op.origin[0].layer
        if chosen.no_gradient:
            raise NotImplementedError(f"{layer}: no gradient through {op.prim.kind}: {chosen.no_gradient}")
        try:
            with self.serving(op.origin):
                grads = chosen.grad(self.b, op, *dys)
        except NotImplementedError as error:
            raise NotImplementedError(f"{layer}: {error}") from None
        for value, grad in zip(op.inputs, grads, strict=True):
            if grad is not None:
                self.contribute(value, grad, op.origin)

    def contribute(self, value: Value, grad: Value, origin: tuple[Origin, ...]) -> None:
        """Adds a part of the gradient of ``value``, if it is of use."""
        if value in self.needed:
            assert grad.shape == value.shape, (value, grad)
            self.parts.setdefault(value, []).append((grad, origin))

    def total(self, value: Value) -> Value | None:
        """The sum of the parts, made once."""
        parts = self.parts.get(value)
        if parts is None:
            return None
        if len(parts) == 1:
            return parts[0][0]
        if value not in self.totals:
            origin = value.op.origin if value.op is not None else tuple(o for _, many in parts for o in many)
            with self.serving(origin):
                self.totals[value] = _accumulate(self.b, [grad for grad, _ in parts])
        return self.totals[value]

    def origins(self, value: Value) -> tuple[Origin, ...]:
        """Whom a seed of ``value`` serves: its maker, else its readers, else the net."""
        if value.op is not None:
            return value.op.origin
        readers = [o for op in self.ops if value in op.inputs for o in op.origin]
        return tuple(readers) or (Origin("net", "backward"),)


def _accumulate(b: Builder, grads: list[Value]) -> Value:
    """The sum of several gradients of one value: one map, slices that tile the value joined first."""
    padded = [g for g in grads if g.op is not None and isinstance(g.op.prim, ops.Pad)]
    joined = _join(b, padded)
    if joined is not None:
        grads = [joined, *(g for g in grads if g not in padded)]
    unique = list(dict.fromkeys(grads))
    if len(grads) == 1:
        return grads[0]
    total: Expr = arg(unique.index(grads[0]))
    for grad in grads[1:]:
        total = call("add", total, arg(unique.index(grad)))
    return b.map(total, grads[0].shape, *unique)


def _join(b: Builder, padded: list[Value]) -> Value | None:
    """The concatenation of what was padded along one axis, if the pieces tile it: the gradient of a Slice layer."""
    pieces: list[tuple[int, int, int, Value]] = []
    for value in padded:
        assert value.op is not None
        assert isinstance(value.op.prim, ops.Pad)
        around = [(axis, *w) for axis, w in enumerate(value.op.prim.widths) if w != (0, 0)]
        if len(around) != 1 or min(around[0][1:]) < 0:
            return None
        axis, before, _ = around[0]
        source = value.op.inputs[0]
        pieces.append((axis, before, before + source.shape[axis], source))
    pieces.sort(key=lambda p: p[:3])
    if len({p[0] for p in pieces}) != 1:
        return None
    axis = pieces[0][0]
    ends = [0, *(p[2] for p in pieces)]
    if [p[1] for p in pieces] != ends[:-1] or ends[-1] != padded[0].shape[axis]:
        return None
    return b.concat([p[3] for p in pieces], axis)


def _prune(b: Builder, first: int, roots: Sequence[Value | None]) -> None:
    """Removes operations from number ``first`` on that no root needs."""
    live = {v for v in roots if v is not None}
    kept: list[Op] = []
    for op in reversed(b.graph.ops[first:]):
        if any(v in live for v in op.outputs):
            live.update(op.inputs)
            kept.append(op)
    b.graph.ops[first:] = reversed(kept)
