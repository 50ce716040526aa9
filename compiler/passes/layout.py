"""layout: where each value's elements lie relative to each other, and who shares memory with whom.

N x C x H x W values are stored N H W C; parameters, their gradients and
everything computed from them alone row-major as they are named (canonical).
A value that convolutions read with padding carries a halo of zeros, as wide as
its widest reader asks. Slices, reshapes, transposes and concatenations are
views wherever strides can say so; the operands of a concatenation are written
where it wants them. What cannot be a view is copied by an identity map.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from math import prod

from compiler.ir import Graph, Op, State, Value
from compiler.passes.epilogue import raw_place, tails_of
from compiler.passes.merge import UPDATES
from compiler.passes.orders import (
    VIEWS,
    copy_for_readers,
    copy_op,
    enter_concats,
    find_halos,
    mark_canonical,
    wants_canonical,
    wants_channels_last,
)
from compiler.passes.placement import Buffer, Layout, Placement, is_dense, is_row_major, reshaped_strides, row_major
from runtime.ops import Map, Pair, Slice, Transpose
from runtime.plan import LITERALS

MEMORY_OF_ROLE = {"param": "params", "average": "solver"}


def layout(graph: Graph, views: bool = True, halo: bool = True) -> Layout:
    """Places every value; inserts copies where a reader cannot take a value as it lies.

    ``views=False`` keeps concatenations as copies (``--disable-pass layout``);
    ``halo=False`` leaves no zeros around maps (``Target.halo``).
    """
    found = Layout(graph)
    mark_canonical(found)
    copy_for_readers(found)
    if halo:
        find_halos(found)
    if views:
        enter_concats(found)
    _Placer(found).run()
    return found


class _Placer:
    """Gives every value its placement, in the order of the operations."""

    def __init__(self, found: Layout):
        self.found = found
        self.graph = found.graph
        self.consumers = found.graph.consumers()
        self.roots = set(found.graph.roots())
        self.written = Counter(s.written for s in found.graph.states.values())
        self.root_halo: dict[Value, Pair] = {}
        for v, halo in found.halos.items():
            top = self._top(v)
            have = self.root_halo.get(top, (0, 0))
            self.root_halo[top] = (max(have[0], halo[0]), max(have[1], halo[1]))

    def _top(self, v: Value) -> Value:
        """The outermost concatenation that ``v`` is written into."""
        while v in self.found.inside:
            v = self.found.inside[v][0]
        return v

    def run(self) -> None:
        self._place_states()
        self._place_values()
        self._place_gradients()

    def _place_gradients(self) -> None:
        """Parameter gradients lie row-major in a memory of their own; copied where they could not."""
        for name, v in list(self.graph.grads.items()):
            where = self.found.placements[v]
            whole = where.buffer.count == prod(v.shape) and where.offset == 0 and is_row_major(v.shape, where.strides)
            if not whole or where.buffer.memory != "arena":
                copy = copy_op(v, self._like(v))
                at = len(self.graph.ops) if v.op is None else self.graph.ops.index(v.op) + 1
                self.graph.ops.insert(at, copy)
                self._read_copy(name, v, copy.outputs[0])
                v = self.graph.grads[name] = copy.outputs[0]
                where = Placement(Buffer(prod(v.shape), v.dtype), 0, row_major(v.shape))
                self.found.placements[v] = where
            where.buffer.memory = "gradients"

    def _read_copy(self, name: str, v: Value, copy: Value) -> None:
        """Makes the parameter's update read its own gradient, so that it can be joined with its neighbours'."""
        states = [s for s in self.graph.states.values() if s.name == name or s.name.startswith(f"{name}.")]
        for op in {s.written.op for s in states if s.written is not None}:
            if op is not None and op.segment in UPDATES:
                op.inputs = tuple(copy if u is v else u for u in op.inputs)

    def _like(self, v: Value) -> Op:
        return v.op or next(op for op in self.graph.ops if op.segment == "backward")

    def _place_values(self) -> None:
        for v in self.graph.inputs.values():
            self._own(v)
        for v in self.graph.literals:
            self._own(v).buffer.memory = LITERALS
        tails = tails_of(self.graph)
        for op in self.graph.ops:
            for v in op.outputs:
                if v in self.found.placements:
                    continue
                if isinstance(op.prim, VIEWS) and self._view(op, v):
                    continue
                if op in tails and v is op.outputs[0] and self._share_with(op, tails[op]):
                    continue
                self._of(v)

    def _place_states(self) -> None:
        position = {op: k for k, op in enumerate(self.graph.ops)}
        for state in self.graph.states.values():
            buffer = Buffer(prod(state.read.shape), state.read.dtype, memory=MEMORY_OF_ROLE.get(state.role, state.role))
            where = Placement(buffer, 0, row_major(state.read.shape))
            self.found.placements[state.read] = where
            if state.init.op is not None and state.init not in self.found.placements:
                self.found.placements[state.init] = where
            if state.written is None:
                continue
            if not self._writes_in_place(state, position):
                commit = copy_op(state.written, state.written.op or self.graph.ops[-1])
                commit.segment = "commit"
                state.written = commit.outputs[0]
                self.graph.ops.append(commit)
            self.found.placements[state.written] = where

    def _writes_in_place(self, state: State, position: dict[Op, int]) -> bool:
        """Whether the update may write where it reads: a map past the guard, and nobody reads the old value later."""
        new = state.written
        if new is None or new.op is None or new in self.found.placements or not isinstance(new.op.prim, Map):
            return False
        if new.op.segment not in ("accumulate", "update", "commit") or new.op.host is not None:
            return False
        if self.written[new] > 1:
            return False
        at = position[new.op]
        return all(position[reader] <= at for reader in self.consumers.get(state.read, []))

    def _share_with(self, host: Op, tail: list[Op]) -> bool:
        """A product whose raw result only its tail reads is written where a map of the tail will put its own."""
        y = host.outputs[0]
        for z in raw_place(host, tail, self.roots, self.consumers):
            if z in self.found.canonical:
                continue
            where = self._of(z)
            strides = reshaped_strides(z.shape, where.strides, y.shape)
            if strides is not None:
                self.found.placements[y] = where if z.shape == y.shape else replace(where, strides=strides)
                return True
        return False

    def _of(self, v: Value) -> Placement:
        if v in self.found.placements:
            return self.found.placements[v]
        if v in self.found.inside:
            out, axis, start = self.found.inside[v]
            outer = self._of(out)
            offset = outer.offset + start * outer.strides[axis]
            self.found.placements[v] = Placement(outer.buffer, offset, outer.strides)
            return self.found.placements[v]
        return self._own(v)

    def _own(self, v: Value) -> Placement:
        """A buffer of its own in the default order."""
        if v.rank != 4 or v in self.found.canonical:
            where = Placement(Buffer(prod(v.shape), v.dtype), 0, self._order(v))
        else:
            halo = self.root_halo.get(v, (0, 0))
            n, c, h, w = v.shape
            row = (w + 2 * halo[1]) * c
            image = (h + 2 * halo[0]) * row
            buffer = Buffer(n * image, v.dtype, halo=halo)
            where = Placement(buffer, halo[0] * row + halo[1] * c, (image, 1, row, c))
        self.found.placements[v] = where
        return where

    def _order(self, v: Value) -> tuple[int, ...]:
        """Strides of a value that is not N H W C: row-major, or a map of a volume's as its operand lies."""
        if v.rank == 5 and v not in self.found.canonical and v.op is not None and isinstance(v.op.prim, Map):
            for u in v.op.inputs:
                where = self.found.placements.get(u)
                if u.shape == v.shape and where is not None and is_dense(v.shape, where.strides):
                    return where.strides
        return row_major(v.shape)

    def _view(self, op: Op, v: Value) -> bool:
        x = op.inputs[0]
        base = self._of(x)
        strides: tuple[int, ...] | None
        offset = base.offset
        if isinstance(op.prim, Slice):
            strides = base.strides
            offset += op.prim.start * base.strides[op.prim.axis]
        elif isinstance(op.prim, Transpose):
            strides = tuple(base.strides[a] for a in op.prim.order)
        else:
            strides = reshaped_strides(x.shape, base.strides, v.shape)
        if strides is None or self._readers_refuse(v, strides):
            return False
        self.found.placements[v] = Placement(base.buffer, offset, strides)
        return True

    def _readers_refuse(self, v: Value, strides: tuple[int, ...]) -> bool:
        """Whether a convolution reads ``v`` and could not with these strides."""
        for op in self.consumers.get(v, []):
            for k, u in enumerate(op.inputs):
                if u is not v:
                    continue
                if wants_canonical(op, k) and not is_row_major(v.shape, strides):
                    return True
                if wants_channels_last(op, k) and v.rank == 4 and v.shape[1] > 1 and strides[1] != 1:
                    return True
        return False
