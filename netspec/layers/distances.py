"""Differences and distances, as several losses take them."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

from netspec.layers import axes
from netspec.spec.layer import ShapeError

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value
    from netspec.spec.layer import Shape


def samples(x: Value) -> int:
    """N of ``x``, at least 1: what a loss is divided by."""
    return max(1, x.shape[0]) if x.shape else 1


def mean_over_samples(b: Builder, x: Value, n: int) -> Value:
    """The sum of ``x`` divided by ``n``, a single number."""
    return b.as_scalar(b.sum(x)) * (1.0 / n)


def power(b: Builder, x: Value, exponent: float | Value) -> Value:
    """``x ** exponent`` for x >= 0, whose gradient at 0 is 0 (and not infinite, for exponents below 1)."""
    if exponent == 1:
        return x
    zero = b.equal(x, 0.0)
    return b.where(zero, 0.0, b.apply("pow", b.where(zero, 1.0, x), exponent))


def check_pairs(*rows: Shape) -> None:
    """Raise ShapeError unless all are N x .. with as many values a sample."""
    for other in rows[1:]:
        if not rows[0] or rows[0][:1] != other[:1] or prod(rows[0]) != prod(other):
            message = f"the vectors that are compared differ: {axes.times(rows[0])} and {axes.times(other)}"
            raise ShapeError("E415", message)


def check_flags(x: Shape, same: Shape) -> None:
    """Raise ShapeError unless there is one flag a sample."""
    if prod(same) != x[0] or same[:1] != x[:1]:
        raise ShapeError("E416", f"{axes.times(x)} need {x[0]} flags, got {axes.times(same)}", "give one flag a sample")


def flat(b: Builder, x: Value) -> Value:
    """``x`` as N x everything else."""
    return b.reshape(x, (x.shape[0], prod(x.shape[1:])))


def squared_distance(b: Builder, x: Value, y: Value) -> Value:
    """Sum of the squared differences of each sample, N x 1."""
    d = flat(b, x) - flat(b, y)
    return b.sum(d * d, 1)
