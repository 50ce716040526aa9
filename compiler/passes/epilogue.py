"""What runs on the finished rows of a product, while they are in the cache: maps, and reductions over all rows.

A row is all C and W of one n, h of an N x C x H x W result; of another rank,
all axes but the last count rows. A *tail* is a host (a product, a window sum,
the gradient of pooling) and the maps, reductions and moments that run behind
it, in order. Each reads and writes the row at hand alone: a map of a map in the
tail may follow, and sums over all rows of either, but nothing that reads such a
sum.
"""

from __future__ import annotations

from math import prod

from compiler.ir import Graph, Op, Value
from runtime.ops import Conv, ConvInputGrad, Map, Matmul, Moments, Pool, Reduce, Reshape, Shape, Unpool, Window
from runtime.plan import ITEM_BYTES, Refusal
from runtime.ways import is_flat

HOSTS = (Conv, ConvInputGrad, Matmul, Unpool, Window)
"""What a tail runs behind. Not pooling: it streams a large operand through the cache and a small result out of it; a
map of its own then leaves that result in the cache for the next product."""
PARTS = (Map, Reduce, Moments)

SHORT_ROW = 4
"""Rows of fewer pixels are not summed up one by one: what they leave is nearly as much as they are."""

FAR_BYTES = 8 << 20
"""A reduction joins that reads an operand of so many bytes from elsewhere; smaller ones (and the result) stay in the
last cache until a pass of its own, which the next reader of the operand finds there (Zen 4, side by side: a tail gains
some 10 % of the product's time from 8 MB a tensor on and loses up to as much at 3 to 6 MB)."""

NEAR = "what else the sum reads is in the cache, a pass of its own costs little"


def attach_epilogues(graph: Graph) -> None:
    """Sets ``host`` of what can run in a tail, and moves it behind its host.

    Tails grow from the last host to the first. What reads a value of the tail
    may join it if its other operands are made before the host; if they are
    not, the host moves down to it, where nobody else reads the tail's values
    before. Why a reader could not join is noted for ``netspec plan``.
    """
    tails = _Tails(graph)
    for op in reversed(graph.ops):
        if isinstance(op.prim, HOSTS) and (op.outputs[0].rank == 4 or isinstance(op.prim, Matmul)):
            tails.grow(op)
        elif isinstance(op.prim, Pool):
            tails.pass_by(op)
    graph.refusals.extend(tails.refusals[::-1])
    graph.ops = tails.listed()


def tails_of(graph: Graph) -> dict[Op, list[Op]]:
    """The parts of each host's tail, in order."""
    found: dict[Op, list[Op]] = {}
    for op in graph.ops:
        if op.host is not None:
            found.setdefault(op.host, []).append(op)
    return found


def raw_place(host: Op, tail: list[Op], roots: set[Value], readers: dict[Value, list[Op]]) -> list[Value]:
    """Results of the tail whose memory the host may write its raw result to, as the tail overwrites it there."""
    y = host.outputs[0]
    same = {y}
    for op in readers.get(y, ()):
        if isinstance(op.prim, Reshape) and _is_renamed(op):
            same.add(op.outputs[0])
    reading = [op for v in same for op in readers.get(v, ()) if op.outputs[0] not in same]
    if same & roots or any(op not in tail for op in reading):
        return []
    last = max(map(tail.index, reading), default=0)
    shapes = {v.shape for v in same}
    maps = [op for op in tail[last : last + 1] if isinstance(op.prim, Map) and op.prim.shape in shapes]
    return [z for op in maps for z in op.outputs if z.dtype == y.dtype]


class _Tails:
    """Operations with positions; those of a tail share their host's."""

    def __init__(self, graph: Graph):
        self.ops = graph.ops
        self.readers = graph.consumers()
        self.position = {op: k for k, op in enumerate(graph.ops)}
        self.tails: dict[Op, list[Op]] = {}
        self.refusals: list[Refusal] = []

    def listed(self) -> list[Op]:
        """All operations in order, each tail behind its host."""
        taken = {op for tail in self.tails.values() for op in tail}
        alone = sorted((op for op in self.ops if op not in taken), key=self.position.__getitem__)
        return [op for first in alone for op in (first, *self.tails.get(first, ()))]

    def grow(self, host: Op) -> None:
        """Collects the host's tail."""
        tail = self.tails[host] = []
        rows = set(host.outputs)  # what is finished row by row when the tail runs
        while True:
            waiting = self._waiting(host, tail)
            refused = {op: self._refusal(op, host, rows, waiting) for op in waiting}
            joins = next((op for op, why in refused.items() if not why), None)
            if joins is None:
                break
            self._join(joins, host, tail, rows)
        for op, why in refused.items():
            if isinstance(op.prim, PARTS) and op.segment == host.segment:
                self.refusals.append(Refusal(_layers(host, op), why))
                break

    def pass_by(self, pool: Op) -> None:
        """Notes a map that reads what was pooled."""
        y = pool.outputs[0]
        op = next((op for op in self.readers.get(y, ()) if isinstance(op.prim, Map)), None)
        if op is not None and op.segment == pool.segment and op.outputs[0].shape == y.shape:
            why = "behind a pooling a map measured no faster than on its own"
            self.refusals.append(Refusal(_layers(pool, op), why))

    def _waiting(self, host: Op, tail: list[Op]) -> list[Op]:
        """Who reads a value of the tail from outside, in order."""
        made = [v for op in (host, *tail) for v in op.outputs]
        found = dict.fromkeys(op for v in made for op in self.readers.get(v, ()) if op not in tail)
        return sorted(found, key=self.position.__getitem__)

    def _join(self, op: Op, host: Op, tail: list[Op], rows: set[Value]) -> None:
        if any(self._made(v) >= self.position[host] for v in op.inputs if v not in rows):
            for moved in (host, *tail):
                self.position[moved] = self.position[op]
        self.position[op] = self.position[host]
        tail.append(op)
        if isinstance(op.prim, PARTS):
            op.host = host
        if isinstance(op.prim, Map | Reshape):
            rows.update(op.outputs)

    def _is_weight(self, op: Op) -> bool:
        """Whether the operation is a reshape that may have to be a copy: what is read as weights lies row-major."""
        found = [r for v in op.outputs for r in self.readers.get(v, ()) if isinstance(op.prim, Reshape)]
        return any(isinstance(r.prim, Conv | ConvInputGrad) and r.inputs[1] in op.outputs for r in found)

    def _made(self, v: Value) -> int:
        """Where ``v`` is ready: -1 for inputs and states."""
        return -1 if v.op is None else self.position[v.op]

    def _refusal(self, op: Op, host: Op, rows: set[Value], waiting: list[Op]) -> str:
        """Why ``op`` cannot join; empty if it can."""
        if op.host is not None:
            return "the map runs behind another product"
        if op.segment != host.segment:
            return "it belongs to another part of the step"
        others = [v for v in op.inputs if v not in rows]
        if any(v.op is not None and v.op.host is host for v in others):
            return "the map needs a sum over all rows first"
        why = _misfit(op, host, rows)
        if why or self._is_weight(op):
            return why or "a convolution takes it for weights"
        if all(self._made(v) < self.position[host] for v in others) or op is waiting[0]:
            return ""
        return f"{waiting[0].prim.kind} reads the result before the other operands are made"


def _misfit(op: Op, host: Op, rows: set[Value]) -> str:
    """Why ``op`` is nothing that could run on the host's rows."""
    if isinstance(op.prim, Reshape):
        return "" if _is_renamed(op) else "its rows are others"
    if not isinstance(op.prim, PARTS):
        return "no map, nor a sum"
    shape = op.inputs[0].shape if isinstance(op.prim, Moments) else op.prim.shape
    want = _rows(host.outputs[0].shape)
    if any(_rows(s) != want for s in (shape, *(v.shape for v in op.inputs if v in rows))):
        return "the map's rows are not those of the product's result"
    return "" if isinstance(op.prim, Map) else _no_sum(op, host, shape, rows)


def _no_sum(op: Op, host: Op, shape: Shape, rows: set[Value]) -> str:
    """Why a reduction cannot be taken row by row."""
    assert isinstance(op.prim, Reduce | Moments)
    if len(shape) != 4 or op.prim.axes != (0, 2, 3):
        return "the sum is not one number a channel over all rows"
    if shape[3] < SHORT_ROW:
        return "the rows are too short to be summed up one by one"
    if isinstance(host.prim, Matmul) or _is_flat(host):
        return "the product of a fully connected layer is not made row by row"
    far = [prod(v.shape) * ITEM_BYTES[v.dtype] for v in op.inputs if v not in rows and v.shape == shape]
    return NEAR if 0 < max(far, default=0) < FAR_BYTES else ""


def _is_flat(host: Op) -> bool:
    """Whether the host is a convolution that a device computes as a plain matrix product."""
    if isinstance(host.prim, Conv):
        return is_flat(host.prim, host.inputs[0].shape, host.inputs[1].shape[2:])
    if isinstance(host.prim, ConvInputGrad):
        return is_flat(host.prim, host.outputs[0].shape, host.inputs[1].shape[2:])
    return False


def _rows(shape: Shape) -> Shape:
    """The axes that count rows, those of one element left out."""
    return tuple(n for n in ((shape[0], shape[2]) if len(shape) == 4 else shape[:-1]) if n != 1)


def _is_renamed(op: Op) -> bool:
    """Whether a reshape adds or drops axes of one element alone and keeps the rows."""
    old, new = op.inputs[0].shape, op.outputs[0].shape
    return [n for n in old if n != 1] == [n for n in new if n != 1] and _rows(old) == _rows(new)


def _layers(host: Op, reader: Op) -> tuple[str, ...]:
    return tuple(dict.fromkeys(o.layer for op in (host, reader) for o in op.origin))
