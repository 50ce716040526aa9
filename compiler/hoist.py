"""hoist: what the turns of a loop do alike to their slices is done once, to all steps together.

An operation becomes one for all turns where it treats its rows (axis 0) apart
and each operand is a slice of an array of all steps, (T N) x .., or the same
value in every turn: the products of all x_t with weights are one product. Where
every operand is the same value, one turn's result serves all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from compiler.ir import Op, Value
from runtime import ops
from runtime.ops import Shape

if TYPE_CHECKING:
    from compiler.builder import Builder

VIEWS = (ops.Reshape, ops.Slice, ops.Transpose)
"""What costs nothing in the turns: done for all together only where something else for all together reads it."""
PLACED = frozenset("index uniform normal".split())
"""Leaves of expressions that depend on where an element lies in the map's own shape."""


def hoist(b: Builder, turns: Sequence[Sequence[Op]]) -> dict[Value, Value]:
    """Replaces operations of the turns by ones over all steps, in the builder's graph.

    Parameters
    ----------
    turns
        The operations of each turn, in order; nothing is done unless they are the same list but for their operands.

    Returns
    -------
    dict
        Values that are gone, and what stands for them.
    """
    if len(turns) < 2 or not turns[0] or len({len(turn) for turn in turns}) != 1:
        return {}
    return _Hoisting(b, turns).run()


@dataclass(frozen=True)
class _Stack:
    """An array of all steps, and the first row that each turn reads."""

    whole: Value
    starts: tuple[int, ...]


@dataclass
class _Hoisting:
    b: Builder
    turns: Sequence[Sequence[Op]]
    new: dict[Value, Value] = field(default_factory=dict)
    stacks: dict[tuple[Value, ...], _Stack] = field(default_factory=dict)  # by the slices of all turns
    gone: set[Op] = field(default_factory=set)
    before: list[Op] = field(default_factory=list)
    placed: set[Op] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.known = set(self.b.graph.ops)

    def run(self) -> dict[Value, Value]:
        """See ``hoist``."""
        for group in zip(*self.turns, strict=True):
            for op in group:
                op.inputs = tuple(self.new.get(v, v) for v in op.inputs)
            self._visit(group)
        listed = self.b.graph.ops
        at = listed.index(self.turns[0][0])
        rest = [op for op in listed[at:] if op not in self.gone]
        self.b.graph.ops = [*listed[:at], *self.before, *rest]
        self.b.graph.replace(self.new)  # a running state may have been written
        return self.new

    def _visit(self, group: tuple[Op, ...]) -> None:
        first = group[0]
        if any(self.b.is_stopped(v) for op in group for v in op.outputs):
            return
        stack = _taken_apart(group)
        if stack is not None:
            self.stacks[tuple(op.outputs[0] for op in group)] = stack
            self.before += group
            self.gone.update(group)
        elif any(op.prim != first.prim for op in group):
            return
        elif all(op.inputs == first.inputs for op in group):
            self.before.append(first)
            self.gone.update(group)
            self.new.update(p for op in group[1:] for p in zip(op.outputs, first.outputs, strict=True))
        else:
            self._together(group)

    def _together(self, group: tuple[Op, ...]) -> None:
        """One operation for all turns, and a slice of its results for each."""
        first, count = group[0], len(group)
        found: list[_Stack | None] = []
        for k, v in enumerate(first.inputs):
            same = all(op.inputs[k] is v for op in group)
            found.append(None if same else self.stacks.get(tuple(op.inputs[k] for op in group)))
            if not same and found[k] is None:
                return
        starts = next(s for s in found if s is not None).starts
        prim = _over_all(first, [s is not None for s in found], count)
        if prim is None or any(s is not None and s.starts != starts for s in found):
            return
        operands = [v if s is None else s.whole for v, s in zip(first.inputs, found, strict=True)]
        wholes = [Value((count * v.shape[0], *v.shape[1:]), v.dtype, builder=self.b) for v in first.outputs]
        made = Op(prim, operands, wholes, first.segment, first.origin)
        if isinstance(prim, VIEWS):
            self.stacks[tuple(op.outputs[0] for op in group)] = _Stack(wholes[0], starts)
            return
        for v in operands:
            self._place(v)
        self.before.append(made)
        self.gone.update(group)
        for k, whole in enumerate(wholes):
            rows = first.outputs[k].shape[0]  # as many as of the operands
            for op, start in zip(group, starts, strict=True):
                part = Value(op.outputs[k].shape, whole.dtype, builder=self.b)
                self.before.append(Op(ops.Slice(0, start, start + rows), (whole,), (part,), op.segment, op.origin))
                self.new[op.outputs[k]] = part
            self.stacks[tuple(self.new[op.outputs[k]] for op in group)] = _Stack(whole, starts)

    def _place(self, whole: Value) -> None:
        """Puts the view of an array of all steps that another operation reads before it, if it is not there yet."""
        maker = whole.op
        if maker is None or maker in self.placed or not isinstance(maker.prim, VIEWS):
            return
        if maker not in self.known:
            self.placed.add(maker)
            for v in maker.inputs:
                self._place(v)
            self.before.append(maker)


def _taken_apart(group: Sequence[Op]) -> _Stack | None:
    """The array that the turns take equal slices of along axis 0, all of it."""
    first = group[0]
    if not isinstance(first.prim, ops.Slice) or any(op.inputs != first.inputs for op in group):
        return None
    starts, rows = [], first.outputs[0].shape[0]
    for op in group:
        if not isinstance(op.prim, ops.Slice) or op.prim.axis != 0 or op.prim.stop - op.prim.start != rows:
            return None
        starts.append(op.prim.start)
    whole = first.inputs[0]
    if sorted(starts) != list(range(0, whole.shape[0], rows)):
        return None
    return _Stack(whole, tuple(starts))


def _over_all(op: Op, stacked: list[bool], count: int) -> ops.Primitive | None:
    """The primitive for the rows of all turns at once, None if rows do not stay apart."""
    prim, made = op.prim, op.outputs[0]
    rows = {v.shape[:1] for v, is_stack in zip(op.inputs, stacked, strict=True) if is_stack}
    if rows != {made.shape[:1]}:  # fewer rows than the result has would have to be spread
        return None
    if isinstance(prim, ops.Map | ops.Reduce):
        return _elementwise(op, prim, stacked, count)
    if isinstance(prim, ops.Matmul):
        return prim if _is_product_of_rows(op, prim, stacked) else None
    if isinstance(prim, ops.Conv):
        return prim if stacked == [True, False] else None
    if isinstance(prim, ops.Gather):  # of a table, the same in every turn
        return prim if stacked == [False, True] and op.inputs[0].rank == 2 else None
    if isinstance(prim, ops.Reshape):
        return replace(prim, shape=_taller(prim.shape, count))
    return prim if all(stacked) and _keeps_rows(prim) else None


def _keeps_rows(prim: ops.Primitive) -> bool:
    """Whether the primitive treats the rows of its operands apart."""
    if isinstance(prim, ops.Concat | ops.Slice | ops.LogSumExp):
        return prim.axis != 0
    if isinstance(prim, ops.Moments):
        return 0 not in prim.axes
    if isinstance(prim, ops.Transpose):
        return prim.order[0] == 0
    if isinstance(prim, ops.Pad):
        return prim.widths[0] == (0, 0)
    return isinstance(prim, ops.Pool | ops.Window)


def _taller(shape: Shape, count: int) -> Shape:
    return count * shape[0], *shape[1:]


def _elementwise(op: Op, prim: ops.Map | ops.Reduce, stacked: list[bool], count: int) -> ops.Primitive | None:
    """A map or a reduction of each row: what is the same in all turns has to be so for all rows."""
    if any(n.op in PLACED for r in prim.results for n in r.walk()):
        return None
    if isinstance(prim, ops.Reduce) and 0 in prim.axes:
        return None
    rank = len(prim.shape)
    for v, is_stack in zip(op.inputs, stacked, strict=True):
        if v.rank == rank and v.shape[0] != (prim.shape[0] if is_stack else 1):
            return None
        if is_stack and v.rank != rank:
            return None
    return replace(prim, shape=_taller(prim.shape, count))


def _is_product_of_rows(op: Op, prim: ops.Matmul, stacked: list[bool]) -> bool:
    """Whether a product has its rows, or its batch, along axis 0 of what is stacked."""
    if op.inputs[0].rank == 2:
        return stacked == [True, False] and not prim.transpose_a
    return all(is_stack or v.shape[0] == 1 for v, is_stack in zip(op.inputs, stacked, strict=True))
