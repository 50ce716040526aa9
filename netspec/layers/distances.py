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
    base = b.where(zero, 1.0, x)
    return b.where(zero, 0.0, b.sqrt(base) if exponent == 0.5 else b.apply("pow", base, exponent))


def length(b: Builder, x: Value) -> Value:
    """``sqrt(sum of x^2 over axis 1)``, which stays with size 1; the gradient of a zero vector is 0."""
    return power(b, b.sum(x * x, 1), 0.5)


def huber(b: Builder, d: Value, delta: float) -> Value:
    """``0.5 d^2`` where |d| <= delta, else ``delta (|d| - 0.5 delta)``."""
    size = b.abs(d)
    return b.where(size <= delta, 0.5 * d * d, delta * (size - 0.5 * delta))


def check_pairs(*rows: Shape) -> None:
    """Raise ShapeError unless all are N x .. with as many values a sample."""
    for other in rows[1:]:
        if not rows[0] or rows[0][:1] != other[:1] or prod(rows[0]) != prod(other):
            message = f"the vectors that are compared differ: {axes.times(rows[0])} and {axes.times(other)}"
            raise ShapeError("E415", message)


def flat(b: Builder, x: Value) -> Value:
    """``x`` as N x everything else."""
    return b.reshape(x, axes.rows(x.shape))


def squared_distance(b: Builder, x: Value, y: Value) -> Value:
    """Sum of the squared differences of each sample, N x 1."""
    d = flat(b, x) - flat(b, y)
    return b.sum(d * d, 1)
