"""Receptive fields: how much of the input one element of a blob can see.

Read off the graph's primitives, so that no layer has to say it. A window of k
at dilation d over a map whose neighbours lie j input pixels apart adds
d (k - 1) j pixels; a stride of s makes j s times as large; where branches
join, the larger one counts. Statistics over a batch (BatchNorm) are not seen
as a dependence, by convention.

Source: Araujo, Norris and Sim 2019, "Computing receptive fields of
convolutional neural networks", equations 1 and 2.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import ceil

from compiler.ir import Graph, Op, Value
from netspec.layers.windows import Reach
from runtime import ops
from runtime.ops_space import Correlation, Sample

Sides = tuple[Fraction, ...]
ONE = (Fraction(1), Fraction(1))


@dataclass(frozen=True)
class Field:
    """What an element sees, in pixels of the input.

    Parameters
    ----------
    size
        Height and width seen; whatever else lies behind N x C.
    jump
        Distance between what neighbouring elements see.
    """

    size: Sides = ONE
    jump: Sides = ONE

    def through(self, reach: Reach) -> Field:
        """Behind a layer whose elements see so much of their bottom."""
        size = tuple(r + more * j for r, more, j in zip(self.size, reach.more, self.jump, strict=True))
        return Field(size, tuple(j * s for j, s in zip(self.jump, reach.scale, strict=True)))

    def window(self, kernel: ops.Pair, stride: ops.Pair, dilation: ops.Pair = (1, 1)) -> Field:
        """Behind a window that slides over a map."""
        more = tuple(Fraction(d * (k - 1)) for k, d in zip(kernel, dilation, strict=True))
        return self.through(Reach(more, tuple(map(Fraction, stride))))

    def transposed(self, kernel: ops.Pair, stride: ops.Pair, dilation: ops.Pair) -> Field:
        """Behind a transposed window: at most ceil(extent / stride) elements below reach one above."""
        reach = (ceil(Fraction(d * (k - 1) + 1, s)) - 1 for k, s, d in zip(kernel, stride, dilation, strict=True))
        return self.through(Reach(tuple(map(Fraction, reach)), tuple(Fraction(1, s) for s in stride)))


EVERYTHING = "everything"
Seen = Field | str | None
"""A field, ``EVERYTHING``, or None: depends on no picture (a parameter, a random number)."""


def receptive_fields(
    graph: Graph, whole: Collection[str] = (), reaches: Mapping[str, Reach] | None = None
) -> dict[Value, Seen]:
    """What each value of the forward segment sees of the pictures among the inputs.

    Parameters
    ----------
    whole
        Layers that see everything by definition (global pooling).
    reaches
        What an element sees of its bottom, of layers whose primitives do not show it:
        windows over a length or a volume, interpolations.
    """
    reaches = reaches or {}
    counts = {2, *(len(reach.more) for reach in reaches.values())}
    seen: dict[Value, Seen] = {}
    for value in graph.inputs.values():
        count = value.rank - 2
        ones = (Fraction(1),) * count
        seen[value] = Field(ones, ones) if count in counts else EVERYTHING if value.rank > 1 else None
    entered: dict[str, list[Seen]] = {}
    for op in graph.ops:
        if op.segment != "forward":
            continue
        layer = next((o.layer for o in op.origin if o.layer in reaches), None)
        if any(o.layer in whole for o in op.origin):
            found: Seen = EVERYTHING
        elif layer is not None:
            below = entered.setdefault(layer, [])
            below += [seen.get(v) for v in op.inputs if v.op is None or v.op.origin != op.origin]
            joined = _join(below)
            found = joined.through(reaches[layer]) if isinstance(joined, Field) else joined
        else:
            found = _after(op, [seen.get(v) for v in op.inputs])
        seen.update(dict.fromkeys(op.outputs, found))
    return seen


def _after(op: Op, operands: list[Seen]) -> Seen:
    below = _join(operands)
    if not isinstance(below, Field):
        return below
    if isinstance(op.prim, Sample):
        return EVERYTHING
    return _sliding(op, below) if isinstance(op.prim, SLIDING) else _pointwise(op, below)


SLIDING = (ops.Conv, ops.ConvInputGrad, ops.Pool, ops.Patches, Correlation)


def _sliding(op: Op, below: Field) -> Seen:
    prim = op.prim
    if isinstance(prim, ops.Pool):
        return below.window(prim.kernel, prim.stride)
    if isinstance(prim, Correlation):  # from the pixel itself to the farthest displacement on both sides
        ends = ((low, low + prim.step * (n - 1)) for low, n in zip(prim.first, prim.count, strict=True))
        reach = [max(high, 0) - min(low, 0) for low, high in ends]
        return below.window((reach[0] + 1, reach[1] + 1), (prim.stride, prim.stride))
    if isinstance(prim, ops.Patches):
        return below.window(prim.kernel, prim.stride, prim.dilation)
    kernel = (op.inputs[1].shape[2], op.inputs[1].shape[3])
    if isinstance(prim, ops.Conv):
        return below.window(kernel, prim.stride, prim.dilation)
    assert isinstance(prim, ops.ConvInputGrad)
    return below.transposed(kernel, prim.stride, prim.dilation)


def _pointwise(op: Op, below: Field) -> Seen:
    """Behind a primitive that does not slide: the same, or everything if it mixes pixels."""
    prim = op.prim
    if isinstance(prim, ops.Moments):
        return None
    rank = len(below.size) + 2
    if isinstance(prim, ops.Matmul) or any(v.rank != rank for v in op.outputs):
        return EVERYTHING
    if isinstance(prim, ops.Reshape):
        return below if op.outputs[0].shape[2:] == op.inputs[0].shape[2:] else EVERYTHING
    axes = {ops.Reduce: "axes", ops.LogSumExp: "axis", ops.Transpose: "order"}.get(type(prim))
    if axes is None:
        return below
    touched = getattr(prim, axes)
    if isinstance(prim, ops.Transpose):
        return below if touched[2:] == tuple(range(2, rank)) else EVERYTHING
    spatial = {touched} if isinstance(touched, int) else set(touched)
    return EVERYTHING if spatial & set(range(2, rank)) else below


def _join(operands: Iterable[Seen]) -> Seen:
    """Where branches meet: the largest size, the largest jump."""
    fields: list[Field] = []
    for seen in operands:
        if seen == EVERYTHING:
            return EVERYTHING
        if isinstance(seen, Field):
            fields.append(seen)
    if not fields:
        return None
    if len({len(f.size) for f in fields}) > 1:
        return EVERYTHING
    size = tuple(max(sides) for sides in zip(*(f.size for f in fields), strict=True))
    return Field(size, tuple(max(sides) for sides in zip(*(f.jump for f in fields), strict=True)))
