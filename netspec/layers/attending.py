"""What the attention layers have in common: masked softmax over a set, weighted sums, bottoms that are lengths."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netspec.layers import axes
from netspec.spec.layer import Shape, ShapeError

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value

FAR = -1e30
"""Energy of what is not to be seen: its weight is 0, and a row that sees nothing stays finite."""


def masked(b: Builder, energy: Value, lengths: Value | None, causal: bool) -> Value:
    """Energies N x Q x K with those that a mask hides far below the others."""
    if lengths is not None:
        counts = b.reshape(b.to_float(lengths), (energy.shape[0], 1, 1))
        seen = b.to_float(b.index(energy.shape, 2)) < counts
        energy = b.where(seen, energy, FAR)
    if causal:
        energy = b.where(b.index(energy.shape, 2) <= b.index(energy.shape, 1), energy, FAR)
    return energy


def softmax(b: Builder, energy: Value) -> Value:
    """Weights along the last axis, which sum up to 1."""
    return b.exp(energy - b.logsumexp(energy, -1))


def attend(
    b: Builder, query: Value, key: Value, value: Value, lengths: Value | None, causal: bool, scale: float
) -> tuple[Value, Value]:
    """Weighted sums N x Q x V of value N x K x V, and the weights N x Q x K; query N x Q x D, key N x K x D."""
    energy = b.matmul(query, key, transpose_b=True) * scale
    weights = softmax(b, masked(b, energy, lengths, causal))
    return b.matmul(weights, value), weights


def check_lengths(lengths: Shape | None, batch: int) -> None:
    """Raise ShapeError unless there is one length a sample."""
    if lengths is not None and lengths != (batch,):
        raise ShapeError("E462", f"lengths is N = {batch}, got {axes.times(lengths)}")


def check_set(what: str, x: Shape) -> None:
    """Raise ShapeError unless ``x`` is N x L x D."""
    if len(x) != 3:
        hint = "Flatten or Reshape it: shape: [0, 0, -1]" if len(x) > 3 else None
        raise ShapeError("E413", f"the {what} of attention is N x L x D, got {axes.times(x)}", hint)
