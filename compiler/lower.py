"""lower: from a graph with placements to a plan.

Movements (concat, slice, reshape, transpose, pad) that are not views become
identity maps; maps that ``fuse`` put behind a product become its epilogue.
"""

from __future__ import annotations

from dataclasses import replace

from compiler.barriers import set_barriers
from compiler.ir import Graph, Op, Value
from compiler.passes.epilogue import tails_of
from compiler.passes.orders import VIEWS
from compiler.passes.place import segment_order
from compiler.passes.placement import Buffer, Layout, common_shape, reshaped_strides, row_major
from compiler.primitives import rule
from compiler.updates import merge_updates
from runtime.expr import arg, const, kind_of
from runtime.ops import ClearHalo, Concat, Map, Pad, Primitive, Reshape, Shape, Slice, Transpose
from runtime.plan import ITEM_BYTES, SEGMENTS, Origin, Plan, StateEntry, Step, View


def lower(graph: Graph, found: Layout, sizes: dict[str, int], unplanned: int, least: int, math: str = "fast") -> Plan:
    """The plan of a placed graph, whose products may have the precision ``math``."""
    steps = _Stepper(graph, found).run()
    steps = set_barriers(merge_updates(steps))
    view = _Views(found)
    states = tuple(StateEntry(s.name, s.role, view(s.read), s.lr_mult, s.decay_mult) for s in graph.states.values())
    readable = {name: v for name, v in graph.blobs.items() if v in graph.keep}
    return Plan(
        phase=graph.phase,
        dtype=graph.dtype,
        batch=graph.batch,
        steps=tuple(steps),
        memory=sizes,
        states=states,
        inputs={name: view(v) for name, v in graph.inputs.items()},
        outputs={name: view(v) for name, v in graph.outputs.items()},
        blobs={name: view(v) for name, v in readable.items()},
        blob_grads={name: view(v) for name, v in graph.blob_grads.items()},
        param_grads={name: view(v) for name, v in graph.grads.items()},
        loss=None if graph.loss is None else view(graph.loss),
        refusals=tuple(graph.refusals),
        unplanned_bytes=unplanned,
        choices=dict(graph.choices),
        least_bytes=least,
        literals=tuple((view(v), array) for v, array in graph.literals.items()),
        math=math,
    )


class _Views:
    """Views of values, from their placements."""

    def __init__(self, found: Layout):
        self.found = found

    def __call__(self, v: Value) -> View:
        where = self.found.placements[v]
        assert where.buffer.offset is not None, f"{v!r} was never placed"
        offset = where.buffer.offset + where.offset * ITEM_BYTES[v.dtype]
        halo = where.buffer.halo if v.rank == 4 else (0, 0)
        return View(where.buffer.memory, offset, v.shape, where.strides, v.dtype, halo)


class _Stepper:
    """Walks the operations and makes steps."""

    def __init__(self, graph: Graph, found: Layout):
        self.graph = graph
        self.found = found
        self.view = _Views(found)
        self.steps: list[Step] = []
        self.cleared: set[Buffer] = set()
        self.read = {v for op in graph.ops for v in op.inputs} | set(graph.roots())

    def run(self) -> list[Step]:
        for v in self.graph.inputs.values():
            self._clear(v, "forward", (Origin(v.name, "forward"),))
        ordered = sorted(self.graph.ops, key=segment_order)
        tails = tails_of(self.graph)
        for op in ordered:
            if op.host is None:
                self._visit(op, tails.get(op, []))
        return sorted(self.steps, key=lambda s: SEGMENTS.index(s.segment))

    def _visit(self, op: Op, tail: list[Op]) -> None:
        for v in (v for part in (op, *tail) for v in part.outputs):
            self._clear(v, op.segment, op.origin)
        if isinstance(op.prim, VIEWS):
            if not self.found.is_view(op):
                self._copy(op)
        elif isinstance(op.prim, Concat):
            self._concat(op)
        elif isinstance(op.prim, Pad):
            self._pad(op)
        else:
            self._append(op, tail)

    def _append(self, op: Op, tail: list[Op]) -> None:
        fused = tuple(Step(p.prim, *self._operands(p), op.segment, p.origin, flops=rule(p.prim).flops(p)) for p in tail)
        flops = rule(op.prim).flops(op) + sum(part.flops for part in fused)
        origin = {o for part in (op, *tail) for o in part.origin}
        reads, writes = self._operands(op)
        self._emit(op.prim, reads, writes, op, flops, fused, tuple(sorted(origin)))

    def _operands(self, op: Op) -> tuple[tuple[View, ...], tuple[View | None, ...]]:
        """Views of what the operation reads, and of its results that anybody reads."""
        return tuple(map(self.view, op.inputs)), tuple(self.view(v) if v in self.read else None for v in op.outputs)

    def _emit(
        self,
        prim: Primitive,
        reads: tuple[View, ...],
        writes: tuple[View | None, ...],
        op: Op,
        flops: int = 0,
        epilogue: tuple[Step, ...] = (),
        origin: tuple[Origin, ...] | None = None,
    ) -> None:
        where = origin or op.origin
        self.steps.append(
            Step(prim, reads, writes, op.segment, where, epilogue=epilogue, algorithm=op.algorithm, flops=flops)
        )

    def _clear(self, v: Value, segment: str, origin: tuple[Origin, ...]) -> None:
        """Zeros the halo of a buffer before its first writer."""
        buffer = self.found.placements[v].buffer
        if buffer.halo == (0, 0) or buffer in self.cleared or v.rank != 4:
            return
        self.cleared.add(buffer)
        whole = self._whole(buffer, v)
        self.steps.append(Step(ClearHalo(), (), (whole,), segment, origin))

    def _whole(self, buffer: Buffer, v: Value) -> View:
        """The view of a halo buffer with all its channels and images."""
        where = self.found.placements[v]
        assert buffer.offset is not None
        n, _, h, w = v.shape
        pixel, image = where.strides[3], where.strides[0]
        images = buffer.count // image
        start = buffer.halo[0] * where.strides[2] + buffer.halo[1] * pixel
        shape = (max(n, images), pixel, h, w)
        return View("arena", buffer.offset + start * ITEM_BYTES[v.dtype], shape, where.strides, v.dtype, buffer.halo)

    def _identity(self, op: Op, source: View, target: View) -> None:
        self._emit(Map((arg(0, kind_of(source.dtype)),), source.shape), (source,), (target,), op)

    def _copy(self, op: Op) -> None:
        x, y = self.view(op.inputs[0]), self.view(op.outputs[0])
        if isinstance(op.prim, Reshape):
            # both seen in the shape that splits their axes; where there is none, x is in logical order or y is
            shape = common_shape(x.shape, y.shape)
            if shape is None:
                shape = x.shape if y.strides == row_major(y.shape) else y.shape
            self._identity(op, _seen(x, shape), _seen(y, shape))
        else:
            self._identity(op, _moved(op, x), y)

    def _concat(self, op: Op) -> None:
        y, start = self.view(op.outputs[0]), 0
        assert isinstance(op.prim, Concat)
        for v in op.inputs:
            part = _part(y, op.prim.axis, start, v.shape)
            start += v.shape[op.prim.axis]
            where = self.found.inside.get(v)
            if where is None or where[0] is not op.outputs[0]:  # it may lie inside another concat
                self._identity(op, self.view(v), part)

    def _pad(self, op: Op) -> None:
        assert isinstance(op.prim, Pad)
        x, y = self.view(op.inputs[0]), self.view(op.outputs[0])
        self._emit(Map((const(0.0),), y.shape), (), (y,), op)
        for axis, (before, after) in enumerate(op.prim.widths):
            if before < 0:
                x = _part(x, axis, -before, _with(x.shape, axis, x.shape[axis] + before))
            if after < 0:
                x = _part(x, axis, 0, _with(x.shape, axis, x.shape[axis] + after))
            y = _part(y, axis, max(0, before), _with(y.shape, axis, x.shape[axis]))
        self._identity(op, x, y)


def _with(shape: Shape, axis: int, n: int) -> Shape:
    return (*shape[:axis], n, *shape[axis + 1 :])


def _part(view: View, axis: int, start: int, shape: Shape) -> View:
    """The piece of ``view`` from ``start`` along ``axis``, of ``shape``."""
    offset = view.offset + start * view.strides[axis] * view.item_bytes
    return replace(view, offset=offset, shape=shape, halo=(0, 0))


def _seen(view: View, shape: Shape) -> View:
    """The same elements in logical order under another shape."""
    strides = reshaped_strides(view.shape, view.strides, shape)
    assert strides is not None, f"{view} is not seen as {shape}"
    return replace(view, shape=shape, strides=strides, halo=(0, 0))


def _moved(op: Op, x: View) -> View:
    """A slice or transpose of ``x`` as a view."""
    prim = op.prim
    if isinstance(prim, Transpose):
        return replace(x, shape=op.outputs[0].shape, strides=tuple(x.strides[a] for a in prim.order), halo=(0, 0))
    assert isinstance(prim, Slice)
    return _part(x, prim.axis, prim.start, op.outputs[0].shape)
