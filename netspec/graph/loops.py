"""The body of a layer over time: its nodes, the shapes inside, and its lowering."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from netspec.graph.net import Node, Shape
from netspec.graph.shapes import InnerShapeError, shapes_of
from netspec.layers import sequences
from netspec.layers.axes import times
from netspec.layers.one_step import OneStep
from netspec.spec.layer import ShapeError
from netspec.spec.loops import Loop, LoopState

if TYPE_CHECKING:
    from compiler.builder import Builder, ParamSpec
    from compiler.ir import Value

GUESSES = (3, 5)
"""Widths that an unknown state is given, to see what does not depend on it."""


@dataclass(frozen=True)
class Given:
    """Bottoms (shapes or values) of a layer over time, by what they are."""

    sliced: tuple[Any, ...]
    static: tuple[Any, ...]
    cont: Any
    lengths: Any
    starts: tuple[Any, ...]


@dataclass
class LoopBody:
    """The layers that run in each step, in an order that can be run.

    Attributes
    ----------
    ports, outputs, nexts
        Ids of the block's inputs, of its outputs, and of what each state becomes.
    tops
        How many outputs are tops.
    """

    name: str
    loop: Loop
    nodes: list[Node]
    ports: tuple[str, ...]
    outputs: tuple[str, ...]
    nexts: tuple[str, ...]
    tops: int
    carry: bool = False
    reverse: bool = False

    def shapes(self, *bottoms: Shape) -> tuple[Shape, ...]:
        """Return the shapes of the tops: T x N x .. for each output N x .. of a step."""
        steps = bottoms[0][0] if bottoms[0] else 0
        inside = self.inside(*bottoms)
        return tuple((steps, *inside[blob]) for blob in self.outputs[: self.tops])

    def param_shapes(self, *bottoms: Shape) -> dict[str, Shape]:
        """Return the shapes of the parameters by their names behind the layer's: ``/xi.weight``."""
        inside = self.inside(*bottoms)
        found: dict[str, Shape] = {}
        for node in self.nodes:
            local = node.name[len(self.name) :]
            for name, shape in node.layer.param_shapes(*(inside[blob] for blob in node.bottom_ids)).items():
                found[local + name if name.startswith("/") else f"{local}.{name}"] = shape
        return found

    @property
    def label_bottoms(self) -> tuple[int, ...]:
        """Numbers of the layer's bottoms that a layer inside reads as labels."""
        read = {node.bottom_ids[k] for node in self.nodes for k in node.layer.label_bottoms if k < len(node.bottom_ids)}
        return tuple(k for k, port in enumerate(self._fixed_ports()) if port in read)

    def label_range(self, *bottoms: Shape) -> tuple[int, int | None]:
        """Return the most classes that a layer inside knows of its labels, and the one that it ignores."""
        inside = self.inside(*bottoms)
        reading = [node for node in self.nodes if node.layer.label_bottoms]
        ranges = [node.layer.label_range(*(inside[blob] for blob in node.bottom_ids)) for node in reading]
        return max(ranges, key=lambda each: each[0])

    def inside(self, *bottoms: Shape) -> dict[str, Shape]:
        """Return the shape of every blob inside, N first.

        Raises
        ------
        ShapeError
            What does not fit; ``InnerShapeError`` where it is inside.
        """
        given = self._apart(bottoms)
        steps, batch = self._steps_and_batch(given)
        known: dict[str, Shape] = {}
        for port, shape in zip(self._fixed_ports(), (*(x[1:] for x in given.sliced), *given.static), strict=True):
            known[port] = shape
        for state, shape in zip(self.loop.states, self._state_shapes(known, batch), strict=True):
            known[self._port(state)] = shape
        self._check_beside(given, steps, batch, known)
        self._run(known)
        for state, after in zip(self.loop.states, self.nexts, strict=True):
            if known[after] != known[self._port(state)]:
                before, got = times(known[self._port(state)]), times(known[after])
                message = f"the state `{state.name}` is {before}, and `{state.next[0]}`, which it becomes, is {got}"
                raise ShapeError("E463", message, "make both alike")
        for blob in self.outputs:
            if known[blob][:1] != (batch,):
                message = f"an output of a block over time is N x .. with N = {batch}, got {times(known[blob])}"
                raise ShapeError("E463", message)
        return known

    def _run(self, known: dict[str, Shape]) -> None:
        """Find the shapes of all blobs behind the ports."""
        for node in self.nodes:
            try:
                made = shapes_of(node, tuple(known[blob] for blob in node.bottom_ids))
            except ShapeError as error:
                raise InnerShapeError(node, self.nodes, error, dict(known)) from None
            known.update(zip(node.top_ids, made, strict=True))

    def _state_shapes(self, fixed: dict[str, Shape], batch: int) -> list[Shape]:
        """The shapes of the states: as stated, else as what they become, found without them."""
        found = {self._port(s): (batch, *s.shape) for s in self.loop.states if s.shape is not None}
        if len(found) < len(self.loop.states):
            known = fixed | found
            for node in self.nodes:
                self._guess(node, known, batch)
            for state, after in zip(self.loop.states, self.nexts, strict=True):
                if self._port(state) in found:
                    continue
                if after not in known:
                    message = f"the shape of the state `{state.name}` cannot be found without itself"
                    hint = f"state: {{{state.name}: {{next: {state.next[0]}, shape: [..]}}}}"
                    raise ShapeError("E463", message, hint, "state")
                found[self._port(state)] = known[after]
        return [found[self._port(state)] for state in self.loop.states]

    def _guess(self, node: Node, known: dict[str, Shape], batch: int) -> None:
        """Add the shapes of a node's tops if they do not depend on the bottoms that are not known."""
        unknown = [blob for blob in node.bottom_ids if blob not in known]
        if unknown and isinstance(node.layer, OneStep) and node.bottom_ids[0] in known:
            known.update(zip(node.top_ids, node.layer.tops_of(known[node.bottom_ids[0]]), strict=True))
            return
        made = []
        for width in GUESSES if unknown else GUESSES[:1]:
            bottoms = tuple(known.get(blob, (batch, width)) for blob in node.bottom_ids)
            try:
                made.append(shapes_of(node, bottoms))
            except ShapeError:
                return
        if all(each == made[0] for each in made):
            known.update(zip(node.top_ids, made[0], strict=True))

    def _apart(self, bottoms: Sequence[Any]) -> Given:
        """The bottoms by what they are."""
        loop = self.loop
        rest = list(bottoms[len(bottoms) - len(loop.beside) + len(loop.static) :])
        fixed = bottoms[: len(bottoms) - len(rest)]
        sliced, static = fixed[: len(fixed) - len(loop.static)], fixed[len(fixed) - len(loop.static) :]
        cont = rest.pop(0) if loop.cont is not None else None
        lengths = rest.pop(0) if loop.lengths is not None else None
        return Given(tuple(sliced), tuple(static), cont, lengths, tuple(rest))

    def _fixed_ports(self) -> list[str]:
        """The ports that bottoms and static blobs go to, in order."""
        states = {self._port(state) for state in self.loop.states}
        return [port for port in self.ports if port not in states]

    def _port(self, state: LoopState) -> str:
        return f"{self.name}/{state.name}"

    def _steps_and_batch(self, given: Given) -> tuple[int, int]:
        for x in given.sliced:
            if len(x) < 2 or x[:2] != given.sliced[0][:2]:
                message = f"the bottoms of a layer over time are T x N x .., alike in T and N, got {times(x)}"
                raise ShapeError("E461", message)
        steps, batch = given.sliced[0][:2]
        return steps, batch

    def _check_beside(self, given: Given, steps: int, batch: int, known: dict[str, Shape]) -> None:
        loop = self.loop
        starting = [(state, state.start[0]) for state in loop.states if isinstance(state.start, tuple)]
        sequences.check_beside((
            ("cont", loop.cont[0] if loop.cont else "", given.cont, (steps, batch), 1),
            ("lengths", loop.lengths[0] if loop.lengths else "", given.lengths, (batch,), 0),
            *(
                (f"init of the state `{state.name}`", blob, got, known[self._port(state)], 0)
                for (state, blob), got in zip(starting, given.starts, strict=True)
            ),
        ))  # fmt: skip

    def lower(self, b: Builder, *bottoms: Value) -> tuple[Value, ...]:
        """Return the tops: the body's layers in each step, what does not depend on the states once for all."""
        given = self._apart(bottoms)
        steps, batch = given.sliced[0].shape[:2]
        inside = self.inside(*(v.shape for v in bottoms))
        flat = [sequences.flat_steps(b, x) for x in given.sliced]
        cont = None if given.cont is None else sequences.flat_steps(b, given.cont)
        first = self._first(b, given, inside)
        ports = self._fixed_ports()

        def body(slices: Sequence[Value], states: Sequence[Value]) -> tuple[list[Value], list[Value]]:
            values = dict(zip(ports, (*slices, *given.static), strict=True))
            values.update(zip(map(self._port, self.loop.states), states, strict=True))
            for node in self.nodes:
                self._lower(b, node, values)
            # a state that begins as a number is a float, though whole numbers (ArgMax) may follow it
            return [values[i] for i in self.outputs[: self.tops]], [b.to_float(values[i]) for i in self.nexts]

        made, last = b.scan(steps, flat, first, body, cont, given.lengths, self.reverse)
        if self.carry:
            sequences.carry_on(b, first, last)
        return tuple(b.reshape(y, (steps, batch, *y.shape[1:])) for y in made)

    def _first(self, b: Builder, given: Given, inside: dict[str, Shape]) -> list[Value]:
        """The states before the first step."""
        starts = iter(given.starts)
        found = []
        for state in self.loop.states:
            shape = inside[self._port(state)]
            if isinstance(state.start, tuple):
                found.append(b.to_float(next(starts)))
            elif self.carry:
                found.append(b.carried(state.name, shape))
            else:
                found.append(b.full(shape, state.start))
        return found

    def _lower(self, b: Builder, node: Node, values: dict[str, Value]) -> None:
        specs = cast("tuple[ParamSpec, ...]", node.params)
        with b.scope(node.name, "forward", specs, node.lr_mult, node.decay_mult, node.owner):
            made = node.layer.lower(b, *node.read(b, values))
        values.update(zip(node.top_ids, made if isinstance(made, tuple) else (made,), strict=True))


def inner_nodes(nodes: Sequence[Node]) -> list[Node]:
    """The nodes inside layers over time."""
    bodies = [body for node in nodes if isinstance(body := getattr(node.layer, "body", None), LoopBody)]
    return [inner for body in bodies for node in body.nodes for inner in (node, *inner_nodes([node]))]


def rows_of(nodes: Sequence[Node]) -> dict[str, str]:
    """By the name of each layer, inside others too, the layer that reports list: itself, or the one around it."""
    return {inner.name: node.name for node in nodes for inner in (node, *inner_nodes([node]))}


def with_bodies(nodes: Sequence[Node], shapes: dict[str, Shape]) -> tuple[list[Node], dict[str, Shape]]:
    """The nodes and those inside layers over time, and the shapes of all blobs; bodies that do not fit are left out."""
    all_nodes, all_shapes = list(nodes), dict(shapes)
    for node in nodes:
        body = getattr(node.layer, "body", None)
        if not isinstance(body, LoopBody) or any(blob not in shapes for blob in (*node.bottom_ids, *node.top_ids)):
            continue
        inside = body.inside(*(shapes[blob] for blob in node.bottom_ids))
        inner, found = with_bodies(body.nodes, inside)
        all_nodes += inner
        all_shapes |= found
    return all_nodes, all_shapes
