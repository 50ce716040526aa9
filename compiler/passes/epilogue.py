"""Maps that run on the finished rows of a product, while they are in the cache."""

from __future__ import annotations

from collections.abc import Iterator

from compiler.ir import Graph, Op, Value
from runtime.ops import Conv, ConvInputGrad, Map, Reduce, Reshape
from runtime.plan import Refusal

HOSTS = (Conv, ConvInputGrad)


def attach_epilogues(graph: Graph) -> None:
    """Sets ``host`` of maps that can run in an epilogue, and moves the host next to them.

    The first map (in order) that reads a product's whole result is taken. If
    its other operands are made later than the product, the product moves down
    to the map, which is allowed while nobody else reads the result before.
    Why others are refused is noted for ``netspec plan``.
    """
    consumers = graph.consumers()
    moved: dict[Op, Op] = {}
    position = {op: k for k, op in enumerate(graph.ops)}
    for op in graph.ops:
        if isinstance(op.prim, HOSTS):
            chosen, why = _choose(op, consumers.get(op.outputs[0], []), position)
            if chosen is not None:
                chosen.host = op
                moved[chosen] = op
            elif why:
                graph.refusals.append(Refusal(_layers(op, consumers[op.outputs[0]]), why))
    graph.refusals.extend(_behind_reshapes(graph, moved))
    hosts = set(moved.values())
    ops: list[Op] = []
    for op in graph.ops:
        if op in moved:
            ops.append(moved[op])
        if op not in hosts:
            ops.append(op)
    graph.ops = ops


def _choose(host: Op, readers: list[Op], position: dict[Op, int]) -> tuple[Op | None, str]:
    y = host.outputs[0]
    if not readers:
        return None, ""
    first = min(readers, key=position.__getitem__)
    if isinstance(first.prim, Reduce):
        return None, "a reduction reads the result: it needs all rows before the next step"
    if not isinstance(first.prim, Map):
        return None, f"{first.prim.kind} reads the result, not a map" if len(readers) > 1 else ""
    if first.prim.shape != y.shape:
        return None, "the map has another shape than the product's result"
    if first.segment != host.segment:
        return None, "the map belongs to another segment of the step"
    return first, ""


def _behind_reshapes(graph: Graph, moved: dict[Op, Op]) -> Iterator[Refusal]:
    """Maps that would run on a product's rows if these were not flattened first."""
    for op in graph.ops:
        for v in op.inputs if isinstance(op.prim, Map) else ():
            if v.op is not None and isinstance(v.op.prim, Reshape) and v.op.inputs[0].op in moved:
                yield Refusal(_layers(v.op, [op]), "the product's rows are flattened in between")


def _layers(host: Op, readers: list[Op]) -> tuple[str, ...]:
    names = [o.layer for op in (host, *readers) for o in op.origin]
    return tuple(dict.fromkeys(names))


def needs_own_memory(host: Op, epilogue: Op, roots: set[Value], readers: list[Op]) -> bool:
    """Whether a product's raw result is read by others than its epilogue."""
    return host.outputs[0] in roots or any(r is not epilogue for r in readers)
