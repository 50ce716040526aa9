"""The Euclidean length of the vector at each place: what ChannelNorm and EndPointError share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netspec.layers.distances import power

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value


def length(b: Builder, x: Value) -> Value:
    """``sqrt(sum of x^2 over axis 1)``, which stays with size 1; the gradient of a zero vector is 0."""
    return power(b, b.sum(x * x, 1), 0.5)
