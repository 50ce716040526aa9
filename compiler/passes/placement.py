"""Where values lie: buffers, placements, and the arithmetic of strides."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from math import prod

from compiler.ir import Graph, Op, Value
from runtime.ops import Pair, Shape


@dataclass(eq=False)
class Buffer:
    """A piece of one memory, shared by the values whose placements name it.

    ``count`` elements of ``dtype``; ``offset`` in bytes is set by ``place``.
    """

    count: int
    dtype: str
    memory: str = "arena"
    halo: Pair = (0, 0)
    offset: int | None = None


@dataclass(frozen=True)
class Placement:
    """A value's elements in a buffer: element offset and strides along the logical axes."""

    buffer: Buffer
    offset: int
    strides: tuple[int, ...]


@dataclass
class Layout:
    """Placements of all values of a graph, and the values that hold whole rows of zeros around."""

    graph: Graph
    placements: dict[Value, Placement] = field(default_factory=dict)
    halos: dict[Value, Pair] = field(default_factory=dict)
    inside: dict[Value, tuple[Value, int, int]] = field(default_factory=dict)
    canonical: set[Value] = field(default_factory=set)

    def is_view(self, op: Op) -> bool:
        """Whether a movement's result lies in its operand's memory already."""
        return self.placements[op.outputs[0]].buffer is self.placements[op.inputs[0]].buffer


def row_major(shape: Shape) -> tuple[int, ...]:
    """Strides of a contiguous array in logical order."""
    strides = [1] * len(shape)
    for axis in range(len(shape) - 2, -1, -1):
        strides[axis] = strides[axis + 1] * shape[axis + 1]
    return tuple(strides)


def is_row_major(shape: Shape, strides: tuple[int, ...]) -> bool:
    """Whether elements follow each other in logical order (axes of size 1 do not matter)."""
    return all(n == 1 or s == want for n, s, want in zip(shape, strides, row_major(shape), strict=True))


def is_dense(shape: Shape, strides: tuple[int, ...]) -> bool:
    """Whether elements fill their memory without gaps, in whatever order of the axes."""
    step = 1
    for n, stride in sorted(((n, s) for n, s in zip(shape, strides, strict=True) if n != 1), key=lambda axis: axis[1]):
        if stride != step:
            return False
        step *= n
    return True


def reshaped_strides(shape: Shape, strides: tuple[int, ...], new: Shape) -> tuple[int, ...] | None:
    """Strides of the same memory seen in another shape (row-major order of elements), or None.

    Old and new axes are matched in groups of equal size; the old axes of a
    group must follow each other without gaps.
    """
    old = [(n, s) for n, s in zip(shape, strides, strict=True) if n != 1]
    out = [1] * len(new)
    todo = [k for k, n in enumerate(new) if n != 1]
    while old and todo:
        axes, sizes = [old.pop(0)], [todo.pop(0)]
        while (have := prod(n for n, _ in axes)) != (want := prod(new[k] for k in sizes)):
            if have < want:
                axes.append(old.pop(0))
            else:
                sizes.append(todo.pop(0))
        if any(a[1] != b[0] * b[1] for a, b in pairwise(axes)):
            return None
        stride = axes[-1][1]
        for k in reversed(sizes):
            out[k] = stride
            stride *= new[k]
    return tuple(out)


def common_shape(shape: Shape, new: Shape) -> Shape | None:
    """The coarsest shape that both become by splitting axes alone, None if their borders cross (4 x 6 and 6 x 4)."""
    borders = sorted({prod(each[k:]) for each in (shape, new) for k in range(len(each) + 1)})
    if 0 in borders or any(high % low for low, high in pairwise(borders)):
        return None
    return tuple(high // low for low, high in reversed(list(pairwise(borders))))
