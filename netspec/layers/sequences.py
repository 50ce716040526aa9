"""What all that runs over time has in common: flattened steps, what is read beside a sequence, carried states."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from netspec.layers import hints
from netspec.layers.axes import times
from netspec.spec.layer import Shape, ShapeError

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value


def check_beside(wanted: Iterable[tuple[str, str, Shape | None, Shape, int]]) -> None:
    """Check what is read beside a sequence: what it is, its blob, its shape, the one wanted, the axis of the batch.

    Raises
    ------
    ShapeError
        For the first that has another shape; None for a shape is a blob that is not read.
    """
    for what, blob, got, want, batch in wanted:
        if got is not None and got != want:
            # of other axes it is rather another blob that is meant
            name = blob if len(got) == len(want) or not what.isidentifier() else what
            hint = hints.reshaped(blob, got, want, batch) or hints.declared(name, want, batch)
            raise ShapeError("E462", f"{what} is {times(want)}, got {times(got)}", hint)


def flat_steps(b: Builder, x: Value) -> Value:
    """(T N) x .. of T x N x ..: the steps one after the other, as `scan` takes them."""
    return b.reshape(x, (x.shape[0] * x.shape[1], *x.shape[2:]))


def carry_on(b: Builder, first: Sequence[Value], last: Sequence[Value]) -> None:
    """Let the states of the next batch begin with the ``last`` ones of this."""
    for state, value in zip(first, last, strict=True):
        b.write(state, value)
