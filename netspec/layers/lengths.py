"""The Euclidean length of the vector at each place: what ChannelNorm and EndPointError share."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value


def length(b: Builder, x: Value) -> Value:
    """``sqrt(sum of x^2 over axis 1)``, which stays with size 1; the gradient of a zero vector is 0."""
    squares = b.sum(x * x, 1)
    some = squares > 0.0
    # the root of 1 in place of that of 0, whose slope is infinite
    return b.where(some, b.sqrt(b.where(some, squares, 1.0)), 0.0)
