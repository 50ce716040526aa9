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
from dataclasses import dataclass, field
from math import prod

from compiler.ir import Graph, Op, State, Value
from compiler.passes.epilogue import needs_own_memory
from runtime.expr import arg
from runtime.ops import (
    Concat,
    Conv,
    ConvInputGrad,
    ConvWeightGrad,
    Map,
    Pair,
    Reshape,
    Shape,
    Slice,
    Transpose,
    conv_input_grad_halo,
)

VIEWS = (Reshape, Slice, Transpose)
MEMORY_OF_ROLE = {"param": "params"}


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


def layout(graph: Graph, views: bool = True) -> Layout:
    """Places every value; inserts copies where a reader cannot take a value as it lies.

    ``views=False`` keeps concatenations as copies (``--disable-pass layout``).
    """
    found = Layout(graph)
    _mark_canonical(found)
    _copy_for_readers(found)
    _find_halos(found)
    if views:
        _enter_concats(found)
    _Placer(found).run()
    return found


def row_major(shape: Shape) -> tuple[int, ...]:
    """Strides of a contiguous array in logical order."""
    strides = [1] * len(shape)
    for axis in range(len(shape) - 2, -1, -1):
        strides[axis] = strides[axis + 1] * shape[axis + 1]
    return tuple(strides)


def _is_row_major(shape: Shape, strides: tuple[int, ...]) -> bool:
    """Whether elements follow each other in logical order (axes of size 1 do not matter)."""
    return all(n == 1 or s == want for n, s, want in zip(shape, strides, row_major(shape), strict=True))


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
        if any(a[1] != b[0] * b[1] for a, b in zip(axes, axes[1:], strict=False)):
            return None
        stride = axes[-1][1]
        for k in reversed(sizes):
            out[k] = stride
            stride *= new[k]
    return tuple(out)


# -- which values are row-major ------------------------------------------------


def _mark_canonical(found: Layout) -> None:
    graph = found.graph
    found.canonical.update(s.read for s in graph.states.values())
    for op in graph.ops:
        like = [v for v in op.inputs if v.shape == op.outputs[0].shape] if op.outputs else []
        from_canonical = isinstance(op.prim, Map) and any(v in found.canonical for v in like)
        if isinstance(op.prim, ConvWeightGrad) or from_canonical or op.segment == "init":
            found.canonical.update(op.outputs)
        elif isinstance(op.prim, Reshape) and len(op.prim.shape) == 4 and op.inputs[0].rank != 4:
            if op.inputs[0] in found.canonical:
                found.canonical.update(op.outputs)


def _wants_canonical(op: Op, k: int) -> bool:
    return isinstance(op.prim, Conv | ConvInputGrad) and k == 1


def _wants_channels_last(op: Op, k: int) -> bool:
    if isinstance(op.prim, Conv | ConvInputGrad):
        return k == 0
    return op.prim.kind in ("conv_weight_grad", "pool", "unpool", "window")


def _copy_for_readers(found: Layout) -> None:
    """Copies the operands of convolutions that would lie in the wrong order."""
    graph = found.graph
    ops: list[Op] = []
    for op in graph.ops:
        if _regroups_channels(op):
            ops.append(_through_flat(op))
        inputs = list(op.inputs)
        for k, v in enumerate(inputs):
            wrong = _wants_channels_last(op, k) and not _is_channels_last(found, v)
            if wrong or (_wants_canonical(op, k) and not _is_canonical(found, v)):
                copy = _copy_op(v, op)
                if _wants_canonical(op, k):
                    found.canonical.update(copy.outputs)
                ops.append(copy)
                inputs[k] = copy.outputs[0]
        op.inputs = tuple(inputs)
        ops.append(op)
    graph.ops = ops
    for name, v in list(graph.grads.items()):
        if v.op is not None and v.rank == 4 and v not in found.canonical:
            copy = _copy_op(v, v.op)
            found.canonical.update(copy.outputs)
            graph.ops.insert(graph.ops.index(v.op) + 1, copy)
            graph.grads[name] = copy.outputs[0]


def _regroups_channels(op: Op) -> bool:
    """Whether a reshape joins or splits axes of an N H W C value into another N H W C value."""
    if not isinstance(op.prim, Reshape) or op.inputs[0].rank != 4 or len(op.prim.shape) != 4:
        return False
    return [n for n in op.inputs[0].shape if n != 1] != [n for n in op.prim.shape if n != 1]


def _through_flat(op: Op) -> Op:
    """Makes ``op`` read a flat value in logical order; neither of its own sides could be copied through the other."""
    x = op.inputs[0]
    flat = Value((prod(x.shape),), x.dtype, builder=x.builder)
    op.inputs = (flat,)
    return Op(Reshape(flat.shape), (x,), (flat,), op.segment, op.origin)


def _copy_op(v: Value, like: Op) -> Op:
    copy = Value(v.shape, v.dtype, v.name, builder=v.builder)
    return Op(Map((arg(0, v.kind),), v.shape), (v,), (copy,), like.segment, like.origin)


def _is_canonical(found: Layout, v: Value) -> bool:
    if v in found.canonical:
        return True
    return v.op is not None and isinstance(v.op.prim, Reshape) and _row_major_source(found, v.op.inputs[0])


def _row_major_source(found: Layout, v: Value) -> bool:
    return v in found.canonical or (v.rank != 4 and not (v.op is not None and isinstance(v.op.prim, VIEWS)))


def _is_channels_last(found: Layout, v: Value) -> bool:
    """Whether a rank-4 value will lie N H W C: its own memory, or a view that keeps channels together."""
    single = v.shape[2:] == (1, 1) or v.shape[1] == 1
    if v in found.canonical:
        return v.op is not None and single and v.op.prim.kind == "reshape"
    if v.op is None or not isinstance(v.op.prim, VIEWS):
        return True
    if isinstance(v.op.prim, Slice):
        return v.op.inputs[0].rank == 4 and _is_channels_last(found, v.op.inputs[0]) and v.op.prim.axis < 2
    return isinstance(v.op.prim, Reshape) and single and v.op.inputs[0].rank == 2


# -- halos and concatenations --------------------------------------------------


def halo_read(op: Op, k: int) -> Pair:
    """Rows and columns of zeros that ``op`` reads around its operand ``k``."""
    prim = op.prim
    if isinstance(prim, Conv | ConvWeightGrad) and k == 0:
        return prim.pad
    if isinstance(prim, ConvInputGrad) and k == 0:
        w, dy = op.inputs[1], op.inputs[0]
        return conv_input_grad_halo(prim, w.shape[2:], dy.shape[2:])  # type: ignore[arg-type]
    return (0, 0)


def _find_halos(found: Layout) -> None:
    """Collects halos; a view that needs one becomes a copy with memory of its own."""
    graph = found.graph
    ops: list[Op] = []
    copied: dict[Value, Value] = {}
    for op in graph.ops:
        for k, v in enumerate(op.inputs):
            need = halo_read(op, k)
            if need == (0, 0):
                continue
            if v.op is not None and isinstance(v.op.prim, VIEWS):
                if v not in copied:
                    ops.append(_copy_op(v, op))
                    copied[v] = ops[-1].outputs[0]
                v = copied[v]
                op.inputs = (*op.inputs[:k], v, *op.inputs[k + 1 :])
            have = found.halos.get(v, (0, 0))
            found.halos[v] = (max(have[0], need[0]), max(have[1], need[1]))
        ops.append(op)
    graph.ops = ops


def _enter_concats(found: Layout) -> None:
    """Notes which operands can be written straight into their concatenation."""
    for op in reversed(found.graph.ops):
        if not isinstance(op.prim, Concat):
            continue
        out, start = op.outputs[0], 0
        counts = {v: op.inputs.count(v) for v in op.inputs}
        for v in op.inputs:
            if counts[v] == 1 and _may_enter(found, v, op):
                found.inside[v] = (out, op.prim.axis, start)
            start += v.shape[op.prim.axis]


def _may_enter(found: Layout, v: Value, op: Op) -> bool:
    owns = v.op is not None and not isinstance(v.op.prim, VIEWS) and v not in found.inside
    graph = found.graph
    bound = v in graph.grads.values() or any(v in (s.written, s.init) for s in graph.states.values())
    spatial = op.prim.axis >= 2 and v.rank == 4  # type: ignore[attr-defined]
    clash = spatial and (v in found.halos or op.outputs[0] in found.halos)
    return owns and not bound and not clash and v not in found.canonical


# -- placements ----------------------------------------------------------------


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
            whole = where.buffer.count == prod(v.shape) and where.offset == 0 and _is_row_major(v.shape, where.strides)
            if not whole or where.buffer.memory != "arena":
                copy = _copy_op(v, self._like(v))
                at = len(self.graph.ops) if v.op is None else self.graph.ops.index(v.op) + 1
                self.graph.ops.insert(at, copy)
                v = self.graph.grads[name] = copy.outputs[0]
                where = Placement(Buffer(prod(v.shape), v.dtype), 0, row_major(v.shape))
                self.found.placements[v] = where
            where.buffer.memory = "gradients"

    def _like(self, v: Value) -> Op:
        return v.op or next(op for op in self.graph.ops if op.segment == "backward")

    def _place_values(self) -> None:
        for v in self.graph.inputs.values():
            self._own(v)
        epilogues = {op.host: op for op in self.graph.ops if op.host is not None}
        for op in self.graph.ops:
            for v in op.outputs:
                if v in self.found.placements:
                    continue
                if isinstance(op.prim, VIEWS) and self._view(op, v):
                    continue
                epilogue = epilogues.get(op)
                if epilogue is not None and v is op.outputs[0] and self._share_with(op, epilogue):
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
                commit = _copy_op(state.written, state.written.op or self.graph.ops[-1])
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
        if self.consumers.get(new) or self.written[new] > 1:
            return False
        at = position[new.op]
        return all(position[reader] <= at for reader in self.consumers.get(state.read, []))

    def _share_with(self, host: Op, epilogue: Op) -> bool:
        """A product whose raw result only its epilogue reads is written where that will be."""
        y = host.outputs[0]
        if needs_own_memory(host, epilogue, self.roots, self.consumers.get(y, [])):
            return False
        for z in epilogue.outputs:
            if z.dtype == y.dtype and z not in self.found.canonical:
                self.found.placements[y] = self._of(z)
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
            where = Placement(Buffer(prod(v.shape), v.dtype), 0, row_major(v.shape))
        else:
            halo = self.root_halo.get(v, (0, 0))
            n, c, h, w = v.shape
            row = (w + 2 * halo[1]) * c
            image = (h + 2 * halo[0]) * row
            buffer = Buffer(n * image, v.dtype, halo=halo)
            where = Placement(buffer, halo[0] * row + halo[1] * c, (image, 1, row, c))
        self.found.placements[v] = where
        return where

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
                if _wants_canonical(op, k) and not _is_row_major(v.shape, strides):
                    return True
                if _wants_channels_last(op, k) and v.rank == 4 and v.shape[1] > 1 and strides[1] != 1:
                    return True
        return False
