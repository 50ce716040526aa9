"""place: offsets in the memories, from the lifetimes of the buffers.

The arena is shared by all temporary buffers: two may overlap when their
lifetimes do not. Parameters, gradients, solver states and running states have
memories of their own, in which the parameters of one pair of multipliers lie
together, so that one step can update them all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod

import numpy as np
from numpy.typing import NDArray

from compiler.ir import Graph, Op, State, Value
from compiler.passes.placement import Buffer, Layout, Placement
from compiler.target import Target
from runtime.ops import Map
from runtime.plan import APART, HEAD, ITEM_BYTES, LITERALS, SEGMENTS, STATE_MEMORY, View

GAP = 64
"""Unused bytes between arena buffers: a reader may overrun by a vector."""


@dataclass
class Lifetime:
    """First and last operation that touches a buffer (-1: before the first)."""

    first: int
    last: int


def place(
    graph: Graph, found: Layout, target: Target, reuse: bool = True, homes: Mapping[str, View] | None = None
) -> dict[str, int]:
    """Sets every buffer's offset; the bytes of each memory by name.

    ``reuse=False`` gives every arena buffer memory of its own; ``homes`` is
    where another plan, with which this one shares its states, has put them.
    """
    if reuse:
        overlay(graph, found)
    sizes = _place_states(graph, found, target, homes)
    sizes[LITERALS] = _place_literals(graph, found, target)
    lifetimes = lifetimes_of(graph, found)
    sizes["arena"] = _place_arena(lifetimes, target.alignment, reuse)
    sizes["head"] = len(HEAD) * 8
    return sizes


def buffer_bytes(buffer: Buffer) -> int:
    """Bytes of a buffer."""
    return buffer.count * ITEM_BYTES[buffer.dtype]


def lifetimes_of(graph: Graph, found: Layout) -> dict[Buffer, Lifetime]:
    """Lifetimes of the arena's buffers over the positions in ``graph.ops``."""
    lives: dict[Buffer, Lifetime] = {}

    def touch(v: Value, at: int) -> None:
        buffer = found.placements[v].buffer
        if buffer.memory == "arena":
            life = lives.setdefault(buffer, Lifetime(at, at))
            life.first, life.last = min(life.first, at), max(life.last, at)

    end = len(graph.ops)
    position = {op: k for k, op in enumerate(graph.ops)}
    for v in graph.inputs.values():  # to the end: they can be read back, and a forward run again
        touch(v, -1)
        touch(v, end)
    for k, op in enumerate(graph.ops):
        for v in (*op.inputs, *op.outputs):
            touch(v, k)
            if op.host is not None:  # it runs while its host does
                touch(v, position[op.host])
    for v in graph.roots():
        touch(v, end)
    return lives


def unplanned_bytes(graph: Graph, found: Layout) -> int:
    """Bytes if every temporary value had memory of its own."""
    states = {*(s.read for s in graph.states.values()), *(s.init for s in graph.states.values())}
    values = {v for op in graph.ops for v in op.outputs} | set(graph.inputs.values())
    own = [v for v in values - states if found.placements[v].buffer.memory == "arena"]
    return sum(prod(v.shape) * ITEM_BYTES[v.dtype] for v in own)


def overlay(graph: Graph, found: Layout) -> None:
    """A map whose operand dies with it writes its result there."""
    lives = lifetimes_of(graph, found)
    users: dict[Buffer, list[Value]] = {}
    for v, where in found.placements.items():
        users.setdefault(where.buffer, []).append(v)
    for k, op in enumerate(graph.ops):
        if isinstance(op.prim, Map) and op.host is None and op.segment != "init":
            for v in op.outputs:
                _overlay_one(op, v, k, found, lives, users)


def _overlay_one(
    op: Op, v: Value, k: int, found: Layout, lives: dict[Buffer, Lifetime], users: dict[Buffer, list[Value]]
) -> None:
    mine = found.placements[v]
    if mine.buffer.memory != "arena" or lives[mine.buffer].first != k:
        return
    for u in op.inputs:
        theirs = found.placements[u]
        if theirs.buffer is mine.buffer or theirs.buffer.memory != "arena" or u.shape != v.shape:
            continue
        if lives[theirs.buffer].last != k or not _same_form(mine, theirs, u, v):
            continue
        if any(found.placements[o].buffer is theirs.buffer for o in op.outputs):
            continue
        for w in users.pop(mine.buffer):
            old = found.placements[w]
            found.placements[w] = Placement(theirs.buffer, old.offset, old.strides)
            users[theirs.buffer].append(w)
        lives[theirs.buffer].last = lives.pop(mine.buffer).last
        return


def _same_form(a: Placement, b: Placement, u: Value, v: Value) -> bool:
    same_bytes = ITEM_BYTES[u.dtype] == ITEM_BYTES[v.dtype] and a.buffer.count == b.buffer.count
    return same_bytes and a.buffer.halo == b.buffer.halo and a.offset == b.offset and a.strides == b.strides


def state_order(graph: Graph) -> list[State]:
    """Parameters grouped by multipliers, frozen ones last; solver states in the same order."""
    params = [s for s in graph.states.values() if s.role == "param"]
    params.sort(key=lambda s: (s.lr_mult == 0, -s.lr_mult, -s.decay_mult))
    rank = {s.name: k for k, s in enumerate(params)}

    def key(s: State) -> tuple[str, int]:
        owner, _, kind = s.name.rpartition(".")
        return kind, rank.get(owner, 0)

    solver = sorted((s for s in graph.states.values() if s.role == "solver"), key=key)
    others = [s for s in graph.states.values() if s.role not in ("param", "solver")]
    return [*params, *solver, *others]


def _place_states(graph: Graph, found: Layout, target: Target, homes: Mapping[str, View] | None) -> dict[str, int]:
    sizes = dict.fromkeys((*STATE_MEMORY, "gradients"), 0)

    def append(buffer: Buffer) -> None:
        buffer.offset = sizes[buffer.memory]
        sizes[buffer.memory] += _aligned(buffer_bytes(buffer), target.alignment)

    ordered = state_order(graph)
    for state in ordered:
        buffer = found.placements[state.read].buffer
        if homes is None:
            append(buffer)
        elif state.name in homes:
            home = homes[state.name]
            buffer.memory, buffer.offset = home.memory, home.offset
            end = home.offset + _aligned(buffer_bytes(buffer), target.alignment)
            sizes[home.memory] = max(sizes[home.memory], end)
        else:  # of this phase alone: there is no room for it between the others
            buffer.memory = APART
            append(buffer)
    for state in ordered:
        if state.name in graph.grads:
            append(found.placements[graph.grads[state.name]].buffer)
    return sizes


def _place_literals(graph: Graph, found: Layout, target: Target) -> int:
    """One after another; those that nothing reads any more have no place."""
    size = 0
    for v in graph.literals:
        buffer = found.placements[v].buffer
        buffer.offset = size
        size += _aligned(buffer_bytes(buffer) + GAP, target.alignment)
    return size


def _aligned(n: int, alignment: int) -> int:
    return -(-n // alignment) * alignment


def _place_arena(lifetimes: dict[Buffer, Lifetime], alignment: int, reuse: bool) -> int:
    """Largest first, each at the lowest offset that no buffer alive with it covers."""
    total = GAP
    if not reuse:
        for buffer in lifetimes:
            buffer.offset = total
            total += _aligned(buffer_bytes(buffer) + GAP, alignment)
        return total
    table = np.zeros((4, len(lifetimes)), np.int64)  # first, last, start, end of each placed buffer
    for k, (buffer, life) in enumerate(sorted(lifetimes.items(), key=lambda item: -buffer_bytes(item[0]))):
        size = _aligned(buffer_bytes(buffer) + GAP, alignment)
        first, last, starts, ends = table[:, :k]
        together = (first <= life.last) & (life.first <= last)
        buffer.offset = _lowest_gap(starts[together], ends[together], size, alignment)
        table[:, k] = life.first, life.last, buffer.offset, buffer.offset + size
        total = max(total, buffer.offset + size)
    return total


def _lowest_gap(starts: NDArray[np.int64], ends: NDArray[np.int64], size: int, lowest: int) -> int:
    """The lowest offset from ``lowest`` on where ``size`` bytes touch none of the intervals."""
    order = np.argsort(starts)
    reached = np.maximum.accumulate(np.concatenate([[lowest], ends[order]]))
    free = np.concatenate([starts[order], [np.iinfo(np.int64).max]]) - reached >= size
    return int(reached[np.argmax(free)])


def segment_order(op: Op) -> int:
    """Position of an operation's segment in a step."""
    return SEGMENTS.index(op.segment)
