"""Whole numbers that say which element: what layers with such bottoms have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netspec.layers import axes
from netspec.spec.layer import ShapeError

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value
    from netspec.spec.layer import Shape


def as_index(b: Builder, x: Value) -> Value:
    """``x`` as i32; a float is cut towards 0."""
    return b.apply("to_int", x) if x.kind == "float" else x


def first_largest(b: Builder, x: Value, axis: int) -> tuple[Value, Value]:
    """(largest, b1: where it is, the first of equal ones) along an axis; nowhere in a row with NaN."""
    largest = b.max(x, axis)
    place = b.to_float(b.index(x.shape, axis))
    behind = b.where(b.equal(x, largest), -place, -float(x.shape[axis]))
    return largest, b.equal(place, -b.max(behind, axis))


def check_count(count: int, there: int, what: str) -> None:
    """Raises ShapeError for a ``top_k`` that is more than there is."""
    if count > there:
        raise ShapeError("E426", f"top_k {count} of {there} {what}", f"top_k: {there}", "top_k")


def check_one_a_sample(x: Shape, index: Shape, what: str) -> None:
    """Raises ShapeError unless ``index`` has one number for each sample of ``x``, ``N`` or ``N x 1 x ..``."""
    if not x or index[:1] != x[:1] or any(n != 1 for n in index[1:]):
        message = f"the {what} has one number a sample: {axes.times(x)} needs {x[0] if x else 'samples'}"
        raise ShapeError("E415", f"{message}, got {axes.times(index)}")
