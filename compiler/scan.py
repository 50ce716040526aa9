"""scan: a body run once for each time step, its states handed on.

Time is unrolled while the graph is built, so that differentiation, fusion and
placement see plain operations. Arrays that hold all steps are time-major with
time and batch in one axis, (T N) x .., so that step t is the rows t N to
(t + 1) N: a slice of them is a view, and what a step makes is written where the
array of all steps wants it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from compiler.hoist import hoist
from compiler.ir import Op, Value
from runtime.ops import Shape

if TYPE_CHECKING:
    from compiler.builder import Builder

Body = Callable[[Sequence[Value], Sequence[Value]], tuple[Sequence[Value], Sequence[Value]]]
"""(slices of this step, states before it) -> (outputs, states after it)."""


@dataclass(frozen=True)
class Loop:
    """How the steps follow each other.

    Parameters
    ----------
    steps
        T.
    cont
        (T N) values, 0 where a sequence starts: the states before that step count as 0.
    lengths
        N integers: behind its length a sequence keeps its states and its outputs are 0.
    reverse
        From the last step to the first; a sequence then starts where the next one's ``cont`` is 0.
    """

    steps: int
    cont: Value | None = None
    lengths: Value | None = None
    reverse: bool = False


class Scans:
    """The builder's methods for what runs over time."""

    phase: str

    def state(self, name: str, shape: Shape, initial: float = 0.0, role: str = "running") -> Value:
        """A persistent array ``<layer>.<name>``."""
        raise NotImplementedError

    def carried(self, name: str, shape: Shape) -> Value:
        """A persistent array ``<layer>.<name>`` that a step leaves to the next one, 0 at first; see ``write``.

        Each phase and batch size has one of its own; training's is part of snapshots.
        """
        own = name if self.phase == "train" else f"{name}@{self.phase}{shape[0]}"
        return self.state(own, shape, role="carry")

    def scan(
        self,
        steps: int,
        sliced: Sequence[Value],
        first: Sequence[Value],
        body: Body,
        cont: Value | None = None,
        lengths: Value | None = None,
        reverse: bool = False,
    ) -> tuple[list[Value], list[Value]]:
        """The outputs of all steps, (T N) x .., and the states behind the last.

        Parameters
        ----------
        sliced
            Values (T N) x .. of which step t gets N x ..
        first
            The states before the first step, N x ..
        body
            Makes a step's outputs and its next states, which have the shapes of ``first``.
        cont, lengths, reverse
            See ``Loop``.
        """
        b = cast("Builder", self)
        turns = _Turns(b, Loop(steps, cont, lengths, reverse))
        states: Sequence[Value] = first
        for number, t in enumerate(range(steps - 1, -1, -1) if reverse else range(steps)):
            with b.turn(number):
                states = turns.run(t, sliced, states, body)
        return turns.stacked(states, first)


def _rows(b: Builder, x: Value, t: int, steps: int) -> Value:
    """Step t of an array of all steps."""
    n = x.shape[0] // steps
    return x if steps == 1 else b.slice(x, 0, t * n, (t + 1) * n)


class _Turns:
    """The turns so far, and what happens to states and outputs between them."""

    def __init__(self, b: Builder, loop: Loop):
        self.b, self.loop = b, loop
        self.ops: list[list[Op]] = []
        self.outputs: list[Sequence[Value]] = [()] * loop.steps
        self.states: list[Sequence[Value]] = [()] * loop.steps

    def run(self, t: int, sliced: Sequence[Value], states: Sequence[Value], body: Body) -> Sequence[Value]:
        """Step t; the states behind it."""
        started = len(self.b.graph.ops)
        slices = [_rows(self.b, x, t, self.loop.steps) for x in sliced]
        before = self._continued(states, t)
        made, after = body(slices, before)
        self.outputs[t], self.states[t] = self._held(made, after, before, t)
        self.ops.append([op for op in self.b.graph.ops[started:] if op.segment == "forward"])
        return self.states[t]

    def stacked(self, last: Sequence[Value], first: Sequence[Value]) -> tuple[list[Value], list[Value]]:
        """The outputs of all steps and the last states, once what can be is done for all turns together."""
        moved = hoist(self.b, self.ops)
        self.b.graph.loop_states.update(moved.get(v, v) for states in self.states for v in states)
        stacks = []
        for k in range(len(self.outputs[0])):
            parts = [moved.get(made[k], made[k]) for made in self.outputs]
            stacks.append(self._behind_the_first(parts, first) or self.b.concat(parts, 0))
        return stacks, [moved.get(v, v) for v in last]

    def _behind_the_first(self, parts: list[Value], first: Sequence[Value]) -> Value | None:
        """Outputs that the next steps read as a state: one array with the first state, A of the sum of A_t' B_t."""
        loose = self.loop.cont is None and self.loop.lengths is None  # else they read a copy
        for k, v in enumerate(first if loose else ()):
            if all(states[k] is y for states, y in zip(self.states, parts, strict=True)):
                rows, n = len(parts) * v.shape[0], v.shape[0]
                if self.loop.reverse:
                    return self.b.slice(self.b.concat([*parts, v], 0), 0, 0, rows)
                return self.b.slice(self.b.concat([v, *parts], 0), 0, n, n + rows)
        return None

    def _continued(self, states: Sequence[Value], t: int) -> Sequence[Value]:
        """The states before step t: 0 where a sequence starts."""
        loop, b = self.loop, self.b
        start = t + 1 if loop.reverse else t
        if loop.cont is None or start == loop.steps:
            return states
        goes_on = _rows(b, loop.cont, start, loop.steps) > 0.0
        return [b.where(self._beside(goes_on, h), h, 0.0) for h in states]

    def _held(
        self, outputs: Sequence[Value], after: Sequence[Value], before: Sequence[Value], t: int
    ) -> tuple[Sequence[Value], Sequence[Value]]:
        """Outputs and states of step t: 0 and the old ones behind the end of a sequence."""
        if self.loop.lengths is None:
            return outputs, after
        valid = self.b.to_float(self.loop.lengths) > float(t)
        kept = [self.b.where(self._beside(valid, new), new, old) for new, old in zip(after, before, strict=True)]
        return [self.b.where(self._beside(valid, y), y, 0.0) for y in outputs], kept

    def _beside(self, mask: Value, x: Value) -> Value:
        """A mask over the batch as one over ``x``."""
        return self.b.reshape(mask, (mask.shape[0], *(1,) * (x.rank - 1)))
