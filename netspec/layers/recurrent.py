"""Recurrent, a user's block over time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from netspec.spec.layer import NAMES, Layer, Problem, Shape, field, layer
from netspec.spec.nodes import Node

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value

_NAME: dict[str, Any] = {"title": "blob", "type": "string"}
_LONG: dict[str, Any] = {
    "type": "object",
    "properties": {
        "next": {"type": "string"},
        "shape": {"anyOf": [{"type": "array"}, {"type": "string"}]},
        "init": {"anyOf": [{"type": "number"}, {"type": "string"}]},
    },
    "additionalProperties": False,
}
_STATE: dict[str, Any] = {
    "title": "state or states",
    "anyOf": [*NAMES["anyOf"], {"type": "object", "additionalProperties": {"anyOf": [{"type": "string"}, _LONG]}}],
}


class Body(Protocol):
    """The layers of the block, wired: what runs in each step."""

    def shapes(self, *bottoms: Shape) -> tuple[Shape, ...]:
        """Return the shapes of the tops."""

    def param_shapes(self, *bottoms: Shape) -> dict[str, Shape]:
        """Return the shapes of the parameters by their names behind the layer's: ``/xi.weight``."""

    def label_range(self, *bottoms: Shape) -> tuple[int, int | None]:
        """Return the most classes that a layer inside knows of its labels, and the one that it ignores."""

    def lower(self, b: Builder, *bottoms: Value) -> tuple[Value, ...]:
        """Return the tops."""


@layer
class Recurrent(Layer):
    """A block of layers, run once for each time step with its states handed on.

    Shapes
        bottoms : T x N x .. (time first), of which step t gets N x ..; ``static`` : N x .., the same in each step ->
        each output of the block, N x .. in a step, as T x N x ...
    Formula
        The block's inputs are, in order, the bottoms, ``static``, the states by name. The state ``h: new`` is at t + 1
        what ``new`` is at t, 0 at first and where ``cont`` is 0. ``state: [h]`` takes the block's first outputs for the
        next states; the long form is ``h: {next: new, shape: [128], init: 0}``, the shape without the batch, ``init``
        a number or a blob.
    Learned
        What the block's layers learn, once for all steps, under their names: ``gru/xi.weight``.
    Gradient
        Through all T steps; none goes to cont, lengths and to a state that ``carry`` took from the batch before.
    Source
        Elman 1990; Caffe ``RecurrentLayer`` for any block.
    Example
        inputs: {x: {shape: [4, 5], batch: 1}}
        blocks:
          cell:
            inputs: [in, h]
            layers:
              - {name: xi, type: InnerProduct, bottom: in, num_output: 6}
              - {name: hi, type: InnerProduct, bottom: h, num_output: 6, bias_term: false}
              - {name: new, type: Expression, bottom: [xi, hi], expr: tanh(xi + hi)}
        layers:
          - {name: rnn, type: Recurrent, block: cell, state: {h: {next: new, shape: [6]}}}
    """

    bottoms: ClassVar[tuple[int, int | None]] = (1, None)
    tops: ClassVar[tuple[int, int | None]] = (1, None)

    runs_block: ClassVar[bool] = True

    static: Node | None = field(None, schema=NAMES, doc="blobs N x .. that every step reads")
    cont: Node | None = field(None, schema=_NAME, doc="a blob T x N, 0 where a sequence starts")
    lengths: Node | None = field(None, schema=_NAME, doc="a blob of N counts: behind them states stay and tops are 0")
    state: Node | None = field(None, schema=_STATE, doc="the block's inputs that are states, and what they become")
    carry: bool = field(False, doc="begin a batch with the states that the batch before left")
    reverse: bool = field(False, doc="from the last step to the first")

    body: Body

    def problems(self) -> Iterator[Problem]:
        """Yield what cannot go together: a state is carried forwards."""
        yield from super().problems()
        if self.carry and self.reverse:
            message = "carry goes on where the batch before ended; reverse begins at the end"
            yield Problem("E511", "carry", message, "leave one of the two out")

    def shapes(self, *bottoms: Shape) -> tuple[Shape, ...]:
        return self.body.shapes(*bottoms)

    def param_shapes(self, *bottoms: Shape) -> dict[str, Shape]:
        """Return the shapes of the parameters by their names behind the layer's: ``/xi.weight``."""
        return self.body.param_shapes(*bottoms)

    def label_range(self, *bottoms: Shape) -> tuple[int, int | None]:
        return self.body.label_range(*bottoms)

    def lower(self, b: Builder, *bottoms: Value) -> tuple[Value, ...]:
        return self.body.lower(b, *bottoms)
