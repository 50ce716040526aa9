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

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from fractions import Fraction
from math import ceil

from compiler.ir import Graph, Op, Value
from runtime import ops

Pair = tuple[Fraction, Fraction]
ONE = (Fraction(1), Fraction(1))


@dataclass(frozen=True)
class Field:
    """What an element sees, in pixels of the input.

    Parameters
    ----------
    size
        Height and width seen.
    jump
        Distance between what neighbouring elements see.
    """

    size: Pair = ONE
    jump: Pair = ONE

    def window(self, kernel: ops.Pair, stride: ops.Pair, dilation: ops.Pair = (1, 1)) -> Field:
        """Behind a window that slides over a map."""
        size = tuple(r + d * (k - 1) * j for r, d, k, j in zip(self.size, dilation, kernel, self.jump, strict=True))
        jump = tuple(j * s for j, s in zip(self.jump, stride, strict=True))
        return Field((size[0], size[1]), (jump[0], jump[1]))

    def transposed(self, kernel: ops.Pair, stride: ops.Pair, dilation: ops.Pair) -> Field:
        """Behind a transposed window: at most ceil(extent / stride) elements below reach one above."""
        reach = [ceil(Fraction(d * (k - 1) + 1, s)) - 1 for k, s, d in zip(kernel, stride, dilation, strict=True)]
        size = tuple(r + n * j for r, n, j in zip(self.size, reach, self.jump, strict=True))
        jump = tuple(j / s for j, s in zip(self.jump, stride, strict=True))
        return Field((size[0], size[1]), (jump[0], jump[1]))


EVERYTHING = "everything"
Seen = Field | str | None
"""A field, ``EVERYTHING``, or None: depends on no picture (a parameter, a random number)."""


def receptive_fields(graph: Graph, whole: Collection[str] = ()) -> dict[Value, Seen]:
    """What each value of the forward segment sees of the pictures among the inputs.

    Parameters
    ----------
    whole
        Layers that see everything by definition (global pooling).
    """
    seen: dict[Value, Seen] = {}
    for value in graph.inputs.values():
        seen[value] = Field() if value.rank == 4 else EVERYTHING if value.rank > 1 else None
    for op in graph.ops:
        if op.segment == "forward":
            everything = any(o.layer in whole for o in op.origin)
            found = EVERYTHING if everything else _after(op, [seen.get(v) for v in op.inputs])
            seen.update(dict.fromkeys(op.outputs, found))
    return seen


def _after(op: Op, operands: list[Seen]) -> Seen:
    below = _join(operands)
    if not isinstance(below, Field):
        return below
    return _sliding(op, below) if isinstance(op.prim, SLIDING) else _pointwise(op, below)


SLIDING = (ops.Conv, ops.ConvInputGrad, ops.Pool)


def _sliding(op: Op, below: Field) -> Seen:
    prim = op.prim
    if isinstance(prim, ops.Pool):
        return below.window(prim.kernel, prim.stride)
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
    if isinstance(prim, ops.Matmul) or any(v.rank != 4 for v in op.outputs):
        return EVERYTHING
    if isinstance(prim, ops.Reshape):
        return below if op.outputs[0].shape[2:] == op.inputs[0].shape[2:] else EVERYTHING
    axes = {ops.Reduce: "axes", ops.LogSumExp: "axis", ops.Transpose: "order"}.get(type(prim))
    if axes is None:
        return below
    touched = getattr(prim, axes)
    if isinstance(prim, ops.Transpose):
        return below if touched[2:] == (2, 3) else EVERYTHING
    spatial = {touched} if isinstance(touched, int) else set(touched)
    return EVERYTHING if spatial & {2, 3} else below


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
    size = (max(f.size[0] for f in fields), max(f.size[1] for f in fields))
    jump = (max(f.jump[0] for f in fields), max(f.jump[1] for f in fields))
    return Field(size, jump)
