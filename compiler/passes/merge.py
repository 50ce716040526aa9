"""Maps and reduces over the same shape that share an operand become one, with several results."""

from __future__ import annotations

from math import prod

from compiler.ir import Graph, Op, Value, compact
from compiler.passes.simplify import fold
from runtime.expr import arg
from runtime.ops import Map, Reduce

MAX_RESULTS = 8
MAX_OPERANDS = 12
UPDATES = ("accumulate", "update")
"""Segments in which parameters stay apart, so that ``merge_updates`` can join equal formulas over neighbours."""


def merge_alike(graph: Graph) -> None:
    """Merges pairs until none is left, earlier operations first."""
    order = _Order(graph)
    for op in list(graph.ops):
        if op in order.position and _mergeable(op):
            _merge_into_earlier(op, order)
    graph.ops = order.listed()


class _Order:
    """Operations with positions that survive removals, and who makes and reads what."""

    def __init__(self, graph: Graph):
        self.position = {op: k for k, op in enumerate(graph.ops)}
        self.readers: dict[Value, list[Op]] = graph.consumers()

    def listed(self) -> list[Op]:
        return sorted(self.position, key=self.position.__getitem__)

    def made(self, v: Value) -> int:
        """Where ``v`` is ready: -1 for inputs and states."""
        return -1 if v.op is None else self.position[v.op]

    def first_read(self, v: Value) -> float:
        return min((self.position[r] for r in self.readers.get(v, ())), default=float("inf"))

    def replace(self, old: tuple[Op, Op], new: Op, position: int) -> None:
        for op in old:
            del self.position[op]
            for v in op.inputs:
                if op in self.readers.get(v, ()):
                    self.readers[v].remove(op)
        self.position[new] = position
        for v in dict.fromkeys(new.inputs):
            self.readers.setdefault(v, []).append(new)


def _mergeable(op: Op) -> bool:
    return isinstance(op.prim, Map | Reduce) and op.segment not in ("init", "commit") and prod(op.prim.shape) >= 1


def _alike(a: Op, b: Op) -> bool:
    """Whether both walk the same elements in the same way."""
    if type(a.prim) is not type(b.prim) or a.segment != b.segment or a is b:
        return False
    assert isinstance(a.prim, Map | Reduce)
    assert isinstance(b.prim, Map | Reduce)
    if a.prim.shape != b.prim.shape or len(a.prim.results) + len(b.prim.results) > MAX_RESULTS:
        return False
    if isinstance(a.prim, Reduce) and isinstance(b.prim, Reduce):
        return a.prim.op == b.prim.op and a.prim.axes == b.prim.axes
    return True


def _merge_into_earlier(op: Op, order: _Order) -> None:
    """Merges ``op`` with every like operation that reads or makes one of its large operands."""
    again = True
    while again:
        again = False
        for other in _neighbours(op, order):
            merged = _try_merge(other, op, order)
            if merged is not None:
                op, again = merged, True
                break


def _neighbours(op: Op, order: _Order) -> list[Op]:
    assert isinstance(op.prim, Map | Reduce)
    found: dict[Op, None] = {}
    for v in op.inputs:
        if v.shape != op.prim.shape:
            continue
        if v.op is not None and isinstance(op.prim, Map) and v.op in order.position and _alike(v.op, op):
            found[v.op] = None
        for reader in order.readers.get(v, ()):
            if order.position[reader] < order.position[op] and _mergeable(reader) and _alike(reader, op):
                found[reader] = None
    return list(found)


def _try_merge(first: Op, second: Op, order: _Order) -> Op | None:
    """One operation for both, at the place of either, or None if the order forbids it."""
    at, until = order.position[first], order.position[second]
    others = [v for v in second.inputs if v not in first.outputs]
    if len({*first.inputs, *others}) > MAX_OPERANDS:
        return None
    chained = len(others) < len(second.inputs)
    if chained if isinstance(second.prim, Reduce) else second.segment in UPDATES and not chained:
        return None
    if any(v.shape != first.prim.shape for v in second.inputs if v in first.outputs):  # type: ignore[attr-defined]
        return None
    if all(order.made(v) < at for v in others):
        position = at
    elif all(order.first_read(v) >= until for v in first.outputs):
        position = until
    else:
        return None
    merged = _merged(first, second)
    order.replace((first, second), merged, position)
    return merged


def _merged(first: Op, second: Op) -> Op:
    """Both operations' results; the second reads the first's formulas, not its memory."""
    a, b = first.prim, second.prim
    assert isinstance(a, Map | Reduce)
    assert isinstance(b, Map | Reduce)
    inputs = list(first.inputs)
    operands = {}
    for k, v in enumerate(second.inputs):
        if v in first.outputs:
            operands[k] = a.results[first.outputs.index(v)]
            continue
        if v not in inputs:
            inputs.append(v)
        operands[k] = arg(inputs.index(v), v.kind)
    results = (*a.results, *(fold(r.substitute(operands)) for r in b.results))
    results, inputs = compact(results, inputs)
    prim = Map(results, a.shape) if isinstance(a, Map) else Reduce(a.op, results, a.axes, a.shape)
    return Op(prim, inputs, (*first.outputs, *second.outputs), first.segment, {*first.origin, *second.origin})
