"""What the attention layers have in common: masked softmax over a set, weighted sums, bottoms that are lengths."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from netspec.layers import axes, hints
from netspec.spec.layer import Layer, Shape, ShapeError

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


def check_lengths(layer: Layer, names: Sequence[str], lengths: Shape | None, batch: int) -> None:
    """Raise ShapeError unless there is a bottom of lengths where the field ``lengths`` says so, one a sample."""
    wanted = bool(getattr(layer, "lengths", False))
    if (lengths is not None) != wanted:
        message = f"it reads {', '.join(names)}{', lengths' * wanted}, got {len(names) + (not wanted)} bottoms"
        raise ShapeError("E460", message, f"lengths: {'false' if wanted else 'true'}")
    check_size(layer, lengths, batch)


def check_size(layer: Layer, lengths: Shape | None, batch: int) -> None:
    """Raise ShapeError unless there is one length a sample; they are the last bottom."""
    if lengths is not None and lengths != (batch,):
        name = hints.name_of(layer, -1)
        hint = hints.reshaped(name, lengths, (batch,), 0) or hints.declared(name, (batch,))
        raise ShapeError("E462", f"lengths is N = {batch}, got {axes.times(lengths)}", hint)


def check_sets(layer: Layer, query: Shape, key: Shape, value: Shape, alike: bool) -> None:
    """Raise ShapeError unless there is a value for each key; ``alike``: keys as wide as the queries, too."""
    sets = query, key, value
    for number, (what, x) in enumerate(zip(("query", "key", "value"), sets, strict=True)):
        check_set(what, x, hints.name_of(layer, min(number, len(layer.bottom_names) - 1)))

    def fits(q: Shape, k: Shape, v: Shape) -> bool:
        return q[0] == k[0] and k[:2] == v[:2] and (q[2] == k[2] or not alike)

    if fits(*sets):
        return
    hint = hints.reordered(layer, sets, fits)
    if hint is None and alike and fits(query, (*key[:2], query[2]), value):
        hint = hints.through(hints.name_of(layer, 1), "InnerProduct", f"axis: 2, num_output: {query[2]}")
    if hint is None and fits(*sets[:2], key):
        names = [hints.name_of(layer, k) for k in (0, 1, 1)]
        hint = f"bottom: [{', '.join((*names, *layer.bottom_names[3:]))}]"
    kinds = "key N x K x D and value N x K x V" if alike else "key N x K x C and value N x K x C'"
    raise ShapeError("E462", f"query N x Q x D, {kinds} do not fit: {', '.join(map(axes.times, sets))}", hint)


def check_set(what: str, x: Shape, name: str) -> None:
    """Raise ShapeError unless ``x``, the blob ``name``, is N x L x D."""
    if len(x) != 3:
        sizes = "[0, 0, -1]" if len(x) > 3 else "[0, 1, -1]"
        hint = hints.through(name, "Reshape", f"shape: {sizes}") if len(x) > 1 else None
        raise ShapeError("E413", f"the {what} of attention is N x L x D, got {axes.times(x)}", hint)
