"""fuse_update: a fully connected layer's weight is updated inside its weight-gradient product.

The update runs on rows of the gradient while these are in the cache, so that a
weight and its velocity are read and written once a step and the gradient never
goes to memory. The product moves to the segment ``update``, behind every reader
of the old weight. A copy of it stays behind in the segment ``gradients``, which
is no part of a step: ``Net.backward`` runs it for those who want to see the
gradient.

Source
    Lv et al. 2023 (LOMO, "Full Parameter Fine-tuning for Large Language Models
    with Limited Resources") fuse gradient and update for the same reason.
"""

from __future__ import annotations

from math import prod

from compiler.ir import Graph, Op, State, Value
from compiler.passes.place import segment_order
from compiler.passes.placement import Layout, Placement, is_row_major, row_major
from runtime.ops import ConvWeightGrad, Map, Reduce, Reshape
from runtime.plan import Refusal
from runtime.ways import is_flat

LEAST_COUNT = 4096
"""Smaller weights go with their neighbours in the one update of many (``merge_updates``)."""

MOST_SAMPLES = 128
"""Beyond, the product is bound by arithmetic, and the update is a small part of it."""


def fuse_update(graph: Graph, found: Layout) -> None:
    """Moves products behind their readers and puts the updates on their rows; notes why others are left.

    Needs one use of the weight, one micro-step, no clipping by the global norm,
    an elementwise rule, and a gradient that nobody keeps.
    """
    readers = graph.consumers()
    for name, v in graph.grads.items():
        way = _product_of(v)
        if way is None or not readers.get(v):  # without a solver nothing updates it
            continue
        state = graph.states[name]
        update = _only_reader(readers[v])
        why = _refused(graph, found, state, v, way, readers) or _unlike(found, state, v, update)
        if why:
            graph.refusals.append(Refusal((name.rpartition(".")[0],), f"{name} is updated apart: {why}"))
        elif update is not None:
            _fuse(graph, found, v, way, update)
    graph.ops.sort(key=segment_order)


def _product_of(v: Value) -> list[Op] | None:
    """The product that makes a fully connected weight's gradient, then the renaming to the parameter's shape."""
    way: list[Op] = []
    op = v.op
    while op is not None and isinstance(op.prim, Reshape):
        way.insert(0, op)
        op = op.inputs[0].op
    if op is None or not isinstance(op.prim, ConvWeightGrad):
        return None
    flat = is_flat(op.prim, op.inputs[0].shape, op.prim.kernel) and op.segment == "backward"
    return [op, *way] if flat else None


def _only_reader(readers: list[Op]) -> Op | None:
    return readers[0] if len(readers) == 1 else None


def _refused(graph: Graph, found: Layout, state: State, v: Value, way: list[Op], readers: dict[Value, list[Op]]) -> str:
    """Why a weight keeps its gradient, or nothing."""
    using = readers.get(v, [])
    if prod(v.shape) < LEAST_COUNT:
        return "it is small, and the one update of many takes it along"
    if any(op.segment == "accumulate" for op in using):
        return "its gradient is gathered over micro-steps"
    if any(isinstance(op.prim, Reduce) for op in using):
        return "clipping by the global norm needs all gradients before the first update"
    if state.name in graph.kept_grads:
        return "its gradient is kept"
    if way[0].inputs[0].shape[0] > MOST_SAMPLES:
        return f"more than {MOST_SAMPLES} samples make the product long and the update a small part of it"
    where = [found.placements[op.outputs[0]].buffer for op in way]
    if any(b is not where[0] for b in where) or any(len(readers.get(op.outputs[0], [])) != 1 for op in way[:-1]):
        return "its gradient is read in another shape"
    return ""


def _unlike(found: Layout, state: State, v: Value, update: Op | None) -> str:
    """Why an update cannot run on the rows of a gradient."""
    if update is None or update.segment != "update" or not isinstance(update.prim, Map):
        return "more than one elementwise rule reads its gradient"
    values = [u for u in (*update.inputs, *update.outputs) if u.shape != ()]
    if update.prim.shape != v.shape or any(u.shape != v.shape for u in values):
        return "its rule is not elementwise"
    if any(not is_row_major(u.shape, found.placements[u].strides) for u in values):
        return "its rule reads what lies in another order"
    if state.written not in update.outputs:
        return "its rule goes on behind the map that reads the gradient"
    return ""


def _fuse(graph: Graph, found: Layout, v: Value, way: list[Op], update: Op) -> None:
    """Copies the product to the update; the original goes to the segment ``gradients``."""
    memory = found.placements[v].buffer
    behind: list[Op] = []
    source: tuple[Value, ...] = way[0].inputs
    for op in way:
        result = Value(op.outputs[0].shape, op.outputs[0].dtype)
        found.placements[result] = Placement(memory, 0, row_major(result.shape))
        copy = Op(op.prim, source, (result,), "update", (*op.origin, *update.origin))
        copy.algorithm = op.algorithm
        behind.append(copy)
        source = (result,)
        op.segment = "gradients"
    update.inputs = tuple(source[0] if u is v else u for u in update.inputs)
    update.host = behind[0]
    at = graph.ops.index(update)
    graph.ops[at:at] = behind
