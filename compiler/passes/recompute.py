"""recompute: maps that the backward steps compute again instead of keeping (``memory: small``).

After ``save``, what weight gradients read lives from the forward to the
backward steps. Where such a value is a map of others that live as long (the
normalised and rectified result of a convolution whose own result the
normalisation needs anyway), it need not: it dies in the forward steps, and one
map makes it again before the first backward step that reads it. Values are
looked at in the order they are computed. One that is to be made again is no
source for another, which would have to keep it after all: its maps are computed
with the other's, ``MAX_MAPS`` at most, so that in a long chain of sums (the
blocks of a residual net) one in a few is kept.
"""

from __future__ import annotations

from math import prod

from compiler.ir import Graph, Op, Value
from compiler.passes.save import LATER, inlines
from runtime.ops import Map
from runtime.plan import ITEM_BYTES, Origin

MAX_MAPS = 24
"""Maps that are computed again for one value."""
SMALL = 16
"""What is so many times smaller than the value may be kept for it: a number a channel."""


def recompute(graph: Graph) -> Graph:
    """Replaces kept forward maps by backward ones; see the module."""
    kept = _kept(graph)
    again: dict[Value, list[Op]] = {}
    for op in graph.ops:
        for v in op.outputs:
            if op.segment == "forward" and isinstance(op.prim, Map) and v in kept:
                chain = _chain(v, kept - again.keys())
                if chain:
                    again[v] = chain
    _insert(graph, again)
    graph.saved -= again.keys()
    return graph


def _kept(graph: Graph) -> set[Value]:
    """Forward values that live until a backward step has read them."""
    read = {v for op in graph.ops if op.segment in LATER and not inlines(op) for v in op.inputs}
    return (graph.saved | read) - set(graph.roots())


def _chain(v: Value, sources: set[Value]) -> list[Op]:
    """The maps that make ``v`` from sources, in order; none if it cannot be made of those alone."""
    found: dict[Op, None] = {}
    stack: list[tuple[Value, bool]] = [(v, False)]
    while stack:
        u, ready = stack.pop()
        op = u.op
        if op is None or op in found:
            continue
        if ready:
            found[op] = None
        elif u is not v and (u in sources or _size(u) * SMALL <= _size(v)):
            continue
        elif not isinstance(op.prim, Map) or len(found) + len(stack) > MAX_MAPS:
            return []
        else:
            stack.append((u, True))
            stack += [(w, False) for w in op.inputs]
    # what is made of numbers alone costs nothing to make and nothing to keep
    return list(found) if any(_size(u) * SMALL > _size(v) for op in found for u in op.inputs) else []


def _size(v: Value) -> int:
    return prod(v.shape) * ITEM_BYTES[v.dtype]


def _insert(graph: Graph, again: dict[Value, list[Op]]) -> None:
    """Puts the maps before the first later reader of each value, which reads theirs from there on."""
    made: dict[Value, Value] = {}
    ops: list[Op] = []
    for op in graph.ops:
        if op.segment in LATER:
            for v in op.inputs:
                if v in again and v not in made:
                    copies = _copies(again[v], op.segment)
                    made[v] = copies[-1].outputs[again[v][-1].outputs.index(v)]
                    ops += copies
            op.inputs = tuple(made.get(v, v) for v in op.inputs)
        ops.append(op)
    graph.ops = ops


def _copies(chain: list[Op], segment: str) -> list[Op]:
    """The same maps once more, reading each other's results."""
    new: dict[Value, Value] = {}
    copies = []
    for op in chain:
        outputs = [Value(v.shape, v.dtype, builder=v.builder) for v in op.outputs]
        origin = [Origin(o.layer, segment) for o in op.origin]
        copies.append(Op(op.prim, [new.get(v, v) for v in op.inputs], outputs, segment, origin))
        new.update(zip(op.outputs, outputs, strict=True))
    return copies
