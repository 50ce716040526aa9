"""What a map reads and writes, as streams: operands broadcast to its shape, and the coordinates of its elements."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import cast

from runtime.expr import Expr
from runtime.ops import Shape
from runtime.plan import View
from runtime.vector.emit import Stream
from runtime.vector.kernel import address_of


def operand_stream(view: View, shape: Shape) -> Stream:
    """A view broadcast to ``shape``, strides in bytes."""
    ahead = len(shape) - len(view.shape)
    strides = [0] * ahead + [
        0 if n == 1 else s * view.item_bytes for n, s in zip(view.shape, view.strides, strict=True)
    ]
    return Stream(address_of(view), tuple(strides), view.dtype)


def coordinate_strides(node: Expr, shape: Shape) -> tuple[int, ...]:
    """How the number of an ``index`` (its axis) or random leaf (flat logical position) grows along the axes."""
    if node.op == "index":
        axis = cast(int, node.value) + len(shape)
        return tuple(int(a == axis) for a in range(len(shape)))
    return tuple(prod(shape[a + 1 :]) for a in range(len(shape)))


@dataclass
class Leaves:
    """What a set of trees reads: streams of operands in use, then of coordinates.

    ``operands`` maps an operand's number to its stream's, ``coordinates`` a
    node's strides to its stream's.
    """

    streams: list[Stream]
    operands: dict[int, int]
    coordinates: dict[tuple[int, ...], int]

    @classmethod
    def of(cls, trees: Sequence[Expr], reads: Sequence[View], shape: Shape) -> Leaves:
        """The leaves of trees over views."""
        streams: list[Stream] = []
        operands: dict[int, int] = {}
        coordinates: dict[tuple[int, ...], int] = {}
        for node in dict.fromkeys(n for tree in trees for n in tree.walk()):
            if node.op == "arg" and node.value not in operands:
                k = cast(int, node.value)
                operands[k] = len(streams)
                streams.append(operand_stream(reads[k], shape))
            elif node.op in ("index", "uniform", "normal"):
                strides = coordinate_strides(node, shape)
                if strides not in coordinates:
                    coordinates[strides] = len(streams)
                    streams.append(Stream(0, strides))
        return cls(streams, operands, coordinates)
