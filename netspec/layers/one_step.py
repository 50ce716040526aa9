"""What RNNCell, LSTMCell and GRUCell have in common: one step of a recurrence, with weights."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, ClassVar

from netspec.layers import axes
from netspec.layers.steps import Step
from netspec.layers.weights import Weighted
from netspec.spec.layer import Shape, ShapeError

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value


class OneStep(Step, Weighted):
    """Base of the cells: x and the states before the step in, the states behind it out."""

    bottoms: ClassVar[tuple[int, int | None]] = (2, 2)

    def tops_of(self, x: Shape) -> tuple[Shape, ...]:
        """Return the shapes of the tops, which follow from that of x alone."""
        return ((x[0], self.num_output),) * max(1, min(len(self.states), len(self.top_names)))

    def shapes(self, *bottoms: Shape) -> tuple[Shape, ...]:
        x, *states = bottoms
        for name, got in zip(self.states, states, strict=True):
            if got != (x[0], self.num_output):
                want = axes.times((x[0], self.num_output))
                message = f"the state {name} is N x num_output = {want}, got {axes.times(got)}"
                hint = f"num_output: {got[1]}" if len(got) == 2 and got[0] == x[0] else None
                raise ShapeError("E462", message, hint)
        self.check_filler(*bottoms)
        return self.tops_of(x)

    def param_shapes(self, *bottoms: Shape) -> dict[str, Shape]:
        """Return the shapes of ``weight_x``, ``weight_h`` and ``bias``."""
        rows = self.gates * self.num_output
        found: dict[str, Shape] = {"weight_x": (rows, prod(bottoms[0][1:])), "weight_h": (rows, self.num_output)}
        return {**found, "bias": (rows,)} if self.bias_term else found

    def lower(self, b: Builder, *bottoms: Value) -> tuple[Value, ...]:
        x, *states = bottoms
        made = self.learn(b, self.param_shapes(*(v.shape for v in bottoms)))
        z = b.matmul(b.reshape(x, (x.shape[0], prod(x.shape[1:]))), made["weight_x"], transpose_b=True)
        if self.bias_term:
            z = z + made["bias"]
        return tuple(self.step(b, z, states, made["weight_h"])[: max(1, len(self.top_names))])
