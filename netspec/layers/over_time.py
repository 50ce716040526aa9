"""What RNN, LSTM and GRU have in common: weights tied over time, starts and ends of sequences, layers, directions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any, ClassVar

from netspec.layers import axes, hints, sequences
from netspec.layers.steps import Step
from netspec.layers.weights import Weighted
from netspec.spec.layer import Problem, Shape, ShapeError, field

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value


@dataclass(frozen=True)
class Given:
    """The bottoms (values, or their shapes) by what they are."""

    x: Any
    cont: Any = None
    static: Any = None
    first: tuple[Any, ...] = ()
    lengths: Any = None


class OverTime(Step, Weighted):
    """Base of the layers that run over time-major sequences T x N x .."""

    bottoms: ClassVar[tuple[int, int | None]] = (1, 6)
    tops: ClassVar[tuple[int, int | None]] = (1, 3)

    expose_hidden: bool = field(False, doc="initial states are the bottoms behind x, cont, static; final ones are tops")
    carry: bool = field(False, doc="begin a batch with the states that the batch before left")
    num_layers: int = field(1, minimum=1, doc="layers on top of each other")
    bidirectional: bool = field(False, doc="a second direction, from the end of each sequence")
    lengths: bool = field(False, doc="the last bottom holds the length of each of the N sequences")
    debug_info: bool = field(False, doc="ignored: use netspec inspect")

    def problems(self) -> Iterator[Problem]:
        """Yield what cannot go together: a state has one beginning."""
        yield from super().problems()
        if self.debug_info:
            message = "debug_info is read and ignored: `netspec inspect` shows what a layer does"
            yield Problem("W121", "debug_info", message, "drop debug_info", "warning")
        if self.carry and self.expose_hidden:
            message = "the states begin where the batch before ended (carry), or with a bottom (expose_hidden)"
            yield Problem("E511", "carry", message, "leave one of the two out")
        if self.carry and self.bidirectional:
            message = "carry goes on where the batch before ended; the second direction begins at the end"
            yield Problem("E511", "carry", message, "carry: false")

    def given_by(self, bottoms: Sequence[Any]) -> Given:
        """Tell the bottoms apart by their number: x, cont, static, initial states, lengths."""
        rest = list(bottoms[1:])
        lengths = rest.pop() if self.lengths and rest else None
        count = len(self.states) if self.expose_hidden else 0
        first = tuple(rest[len(rest) - count :]) if count <= len(rest) else ()
        rest = rest[: len(rest) - len(first)]
        cont, static, *more = (*rest, None, None)
        wrong = (self.lengths and lengths is None) or len(first) < count or any(m is not None for m in more)
        if wrong:
            names = ["x", "cont", "static"] + [f"{name}0" for name in self.states[:count]] + ["lengths"] * self.lengths
            message = f"it reads {', '.join(names)} (cont and static may be left out), got {len(bottoms)} bottoms"
            raise ShapeError("E460", message, self._count_hint(len(bottoms)))
        return Given(bottoms[0], cont, static, first, lengths)

    def _count_hint(self, count: int) -> str:
        """Which of the fields that ask for bottoms would fit as many as there are."""
        asking = {"expose_hidden": self.expose_hidden, "lengths": self.lengths}
        for name, value in asking.items():
            fields = asking | {name: not value}
            more = len(self.states) * fields["expose_hidden"] + fields["lengths"]
            if 1 + more <= count <= 3 + more and not (self.carry and fields["expose_hidden"]):
                return f"{name}: {'false' if value else 'true'}"
        return f"bottom: [{', '.join(self.bottom_names[:3])}]"

    @property
    def directions(self) -> int:
        """1, or 2 with ``bidirectional``."""
        return 1 + self.bidirectional

    def shapes(self, *bottoms: Shape) -> tuple[Shape, ...]:
        given = self.given_by(bottoms)
        x = given.x
        if len(x) < 3:
            message = f"a layer over time reads T x N x .., its bottom is {axes.times(x)}"
            raise ShapeError("E461", message, self._sequence_hint(x))
        steps, batch = x[:2]
        state = (self.num_layers * self.directions, batch, self.num_output)
        named = self.given_by(self.bottom_names or ("..",) * len(bottoms))
        sequences.check_beside((
            ("cont", named.cont, given.cont, (steps, batch), 1),
            ("lengths", named.lengths, given.lengths, (batch,), 0),
            *(
                (f"{name}0", blob, got, state, 1)
                for name, blob, got in zip(self.states, named.first, given.first, strict=False)
            ),
        ))  # fmt: skip
        if given.static is not None and given.static[:1] != (batch,):
            message = f"static is N x .. with N = {batch}, got {axes.times(given.static)}"
            each = given.static[2:] if given.static[1:2] == (batch,) else given.static[1:]
            raise ShapeError("E462", message, hints.declared(named.static, (batch, *each)))
        self.check_filler(*bottoms)
        y = (steps, batch, self.directions * self.num_output)
        return (y, *(state for _ in given.first))

    def _sequence_hint(self, x: Shape) -> str | None:
        """How a blob gets three axes: words their vectors, numbers an axis of their own."""
        name = hints.name_of(self, 0)
        if len(x) == 2:
            return f"{hints.through(name, 'Reshape', 'shape: [0, 0, 1]')}; words go through an Embed"
        return hints.through(name, "Reshape", "shape: [0, 1, 1]") if x else None

    def param_shapes(self, *bottoms: Shape) -> dict[str, Shape]:
        """Return ``weight_x``, ``weight_h``, ``bias`` of each layer and direction, ``weight_static`` of the first."""
        given = self.given_by(bottoms)
        found: dict[str, Shape] = {}
        for number in range(self.num_layers):
            inputs = self.directions * self.num_output if number else prod(given.x[2:])
            for direction in range(self.directions):
                end = _suffix(number, direction)
                found |= self._shapes_of_one(end, inputs, given.static if number == 0 else None)
        return found

    def _shapes_of_one(self, end: str, inputs: int, static: Shape | None) -> dict[str, Shape]:
        rows = self.gates * self.num_output
        found: dict[str, Shape] = {f"weight_x{end}": (rows, inputs), f"weight_h{end}": (rows, self.num_output)}
        if static is not None:
            found[f"weight_static{end}"] = (rows, prod(static[1:]))
        if self.bias_term:
            found[f"bias{end}"] = (rows,)
        return found

    def lower(self, b: Builder, *bottoms: Value) -> tuple[Value, ...]:
        given = self.given_by(bottoms)
        steps, batch = given.x.shape[:2]
        cont = None if given.cont is None else sequences.flat_steps(b, given.cont)
        x = b.reshape(given.x, (steps * batch, prod(given.x.shape[2:])))
        last: list[list[Value]] = [[] for _ in self.states]
        for number in range(self.num_layers):
            made = []
            for direction in range(self.directions):
                y, after = self._one(b, number, direction, x, given, cont)
                made.append(y)
                for states, state in zip(last, after, strict=True):
                    states.append(state)
            x = b.concat(made, 1)
        y = b.reshape(x, (steps, batch, x.shape[1]))
        if not self.expose_hidden:
            return (y,)
        return y, *(b.concat([b.reshape(s, (1, *s.shape)) for s in states], 0) for states in last)

    def _one(
        self, b: Builder, number: int, direction: int, x: Value, given: Given, cont: Value | None
    ) -> tuple[Value, list[Value]]:
        """One direction of one layer: its outputs (T N) x H and its last states N x H."""
        end, (steps, batch) = _suffix(number, direction), given.x.shape[:2]
        static = given.static if number == 0 else None
        shapes = self._shapes_of_one(end, x.shape[1], None if static is None else static.shape)
        learned = self.learn(b, shapes)
        z = b.matmul(x, learned[f"weight_x{end}"], transpose_b=True)
        if self.bias_term:
            z = z + learned[f"bias{end}"]
        if static is not None:
            z = self._beside(b, z, static, learned[f"weight_static{end}"], steps)
        first = self._first(b, end, number * self.directions + direction, given, batch)

        def body(slices: Sequence[Value], states: Sequence[Value]) -> tuple[list[Value], list[Value]]:
            after = self.step(b, slices[0], states, learned[f"weight_h{end}"])
            return after[:1], after

        (y,), after = b.scan(steps, [z], first, body, cont, given.lengths, reverse=direction == 1)
        if self.carry:
            sequences.carry_on(b, first, after)
        return y, after

    def _beside(self, b: Builder, z: Value, static: Value, weight: Value, steps: int) -> Value:
        """The gates with the part of the static input, the same at every step, added."""
        batch, rows = static.shape[0], z.shape[1]
        part = b.matmul(b.reshape(static, (batch, prod(static.shape[1:]))), weight, transpose_b=True)
        total = b.reshape(z, (steps, batch, rows)) + b.reshape(part, (1, batch, rows))
        return b.reshape(total, z.shape)

    def _first(self, b: Builder, end: str, place: int, given: Given, batch: int) -> list[Value]:
        """The states before the first step."""
        shape = (batch, self.num_output)
        if self.carry:
            return [b.carried(name + end, shape) for name in self.states]
        if given.first:
            return [b.reshape(b.slice(v, 0, place, place + 1), shape) for v in given.first]
        return [b.full(shape, 0.0) for _ in self.states]


def _suffix(number: int, direction: int) -> str:
    """What the parameters' names of a layer and direction end in: nothing for the first, ``_2``, ``_reverse``."""
    return (f"_{number + 1}" if number else "") + ("_reverse" if direction else "")
