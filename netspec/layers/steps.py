"""One step of each recurrent layer: what the layers over time and the cells have in common."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value


class Step:
    """A recurrence over states N x H, fed with ``gates`` H numbers a sample that are made of the input alone."""

    gates: ClassVar[int] = 1
    states: ClassVar[tuple[str, ...]] = ("h",)
    num_output: int

    def step(self, b: Builder, x: Value, states: Sequence[Value], weight_h: Value) -> list[Value]:
        """Return the states behind a step, the layer's output first.

        Parameters
        ----------
        x : Value
            N x (gates H): the input's product with its weights, bias included.
        states : sequence of Value
            N x H each, the states before the step.
        weight_h : Value
            (gates H) x H.
        """
        raise NotImplementedError(type(self).__name__)

    def apart(self, b: Builder, x: Value, count: int) -> list[Value]:
        """Return the gates of N x (count H), N x H each."""
        size = self.num_output
        return [b.slice(x, 1, k * size, (k + 1) * size) for k in range(count)]


class RnnStep(Step):
    """``h' = tanh(x + h Wh')``."""

    def step(self, b: Builder, x: Value, states: Sequence[Value], weight_h: Value) -> list[Value]:
        return [b.tanh(x + b.matmul(states[0], weight_h, transpose_b=True))]


class LstmStep(Step):
    """``c' = f c + i g``, ``h' = o tanh(c')`` with i, f, o sigmoids and g a tanh of ``x + h Wh'``."""

    gates: ClassVar[int] = 4
    states: ClassVar[tuple[str, ...]] = ("h", "c")

    def step(self, b: Builder, x: Value, states: Sequence[Value], weight_h: Value) -> list[Value]:
        h, c = states
        # the gates are taken apart before they are added: what reads a slice of a sum needs the sum in memory
        ours, theirs = self.apart(b, x, 4), self.apart(b, b.matmul(h, weight_h, transpose_b=True), 4)
        i, f, o, g = (p + q for p, q in zip(ours, theirs, strict=True))
        after = b.sigmoid(f) * c + b.sigmoid(i) * b.tanh(g)
        return [b.sigmoid(o) * b.tanh(after), after]


class GruStep(Step):
    """``h' = (1 - z) n + z h`` with r, z sigmoids; n is a tanh, of which r gates the part that h makes."""

    gates: ClassVar[int] = 3
    reset_after: bool

    def step(self, b: Builder, x: Value, states: Sequence[Value], weight_h: Value) -> list[Value]:
        (h,), size = states, self.num_output
        xr, xz, xn = self.apart(b, x, 3)
        if self.reset_after:
            hr, hz, hn = self.apart(b, b.matmul(h, weight_h, transpose_b=True), 3)
            new = b.tanh(xn + b.sigmoid(xr + hr) * hn)
        else:
            first, last = b.slice(weight_h, 0, 0, 2 * size), b.slice(weight_h, 0, 2 * size, 3 * size)
            hr, hz = self.apart(b, b.matmul(h, first, transpose_b=True), 2)
            new = b.tanh(xn + b.matmul(b.sigmoid(xr + hr) * h, last, transpose_b=True))
        z = b.sigmoid(xz + hz)
        return [(1.0 - z) * new + z * h]
