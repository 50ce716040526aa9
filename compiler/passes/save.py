"""save: chooses what the forward steps keep for the backward steps.

Backward maps read values of forward maps. Each can be kept in memory or
computed again from others. Where to cut is a minimum cut on the graph of
forward maps: a value's capacity is its bytes, 0 for what lives anyway
(parameters, inputs of weight gradients); random numbers and constants cost
nothing, because they are recomputed. A comparison (1 byte an element) that the
backward steps need is a value like any other, so masks fall out of the cut.
"""

from __future__ import annotations

from typing import Any

import networkx as nx

from compiler.ir import Graph, Op, Value
from runtime import expr
from runtime.expr import Expr
from runtime.ops import Map, Reduce
from runtime.plan import ITEM_BYTES

LATER = ("backward", "accumulate", "reduce", "update", "commit")


def save(graph: Graph) -> Graph:
    """Sets ``graph.saved``; first rewrites conditions on inputs into conditions on outputs."""
    free = _alive_anyway(graph)
    _use_outputs(graph, free)
    wanted = _read_by_backward_maps(graph)
    if not wanted:
        return graph
    region = _region(wanted)
    for component in nx.weakly_connected_components(region):
        sinks = wanted & component
        if all(_capacity(v, free) == 0 for v in sinks):
            graph.saved |= sinks
        else:
            graph.saved |= _minimum_cut(region.subgraph(component), sinks, free)
    return graph


def inlines(op: Op) -> bool:
    """Whether ``op`` can compute its operands' maps itself."""
    return isinstance(op.prim, Map | Reduce)


def _use_outputs(graph: Graph, free: set[Value]) -> None:
    """In backward steps ``x > 0`` becomes ``y > 0`` where y = where(x > 0, x, s x), s >= 0, lives anyway.

    Both have the same truth for every x, NaN included.
    """
    outputs = {}
    for op in graph.ops:
        if op.segment == "forward" and isinstance(op.prim, Map):
            condition = _leaky_condition(op)
            if condition is not None and op.outputs[0] in free:
                outputs[condition] = op.outputs[0]
    if not outputs:
        return
    again: dict[Value, Value] = {}
    ops = []
    for op in graph.ops:
        if op.segment in LATER and any(v in outputs for v in op.inputs):
            for v in op.inputs:
                if v in outputs and v not in again:
                    ops.append(_positive(outputs[v], op))
                    again[v] = ops[-1].outputs[0]
            op.inputs = tuple(again.get(v, v) if v in outputs else v for v in op.inputs)
        ops.append(op)
    graph.ops = ops


def _positive(y: Value, like: Op) -> Op:
    """``y > 0`` as an operation beside ``like``."""
    formula = expr.call("gt", expr.arg(0), expr.const(0.0))
    return Op(Map((formula,), y.shape), (y,), (Value(y.shape, "b1", builder=y.builder),), like.segment, like.origin)


def _leaky_condition(op: Op) -> Value | None:
    """The value of ``x > 0`` if ``op`` is where(x > 0, x, s x) with s >= 0."""
    if not isinstance(op.prim, Map) or op.prim.results[0].op != "where":
        return None
    parts = [_operand(op, a) for a in op.prim.results[0].args]
    condition, x = parts[0], parts[1]
    if not isinstance(condition, Value) or not isinstance(x, Value) or condition.op is None:
        return None
    test = condition.op
    if not isinstance(test.prim, Map) or str(test.prim.results[0]) not in ("gt(%0, 0.0)", "gt(%0, 0)"):
        return None
    if test.inputs[0] is not x or not _is_slope(parts[2], x):
        return None
    return condition


def _is_slope(below: Value | float | None, x: Value) -> bool:
    """Whether ``below`` is 0 or s x with a constant s >= 0."""
    if isinstance(below, float | int):
        return below == 0
    if below is None or below.op is None or not isinstance(below.op.prim, Map):
        return False
    tree = below.op.prim.results[0]
    if tree.op == "const":
        return tree.value == 0
    numbers = [a.value for a in tree.args if a.op == "const"]
    reads_x = below.op.inputs == (x,)
    return tree.op == "mul" and reads_x and len(numbers) == 1 and float(numbers[0]) >= 0  # type: ignore[arg-type]


def _operand(op: Op, node: Expr) -> Value | float | None:
    """The value an argument is, or its constant."""
    if node.op == "arg":
        return op.inputs[node.number]
    return node.value if isinstance(node.value, int | float) and node.op == "const" else None


def _read_by_backward_maps(graph: Graph) -> set[Value]:
    """Forward values that later maps and reduces read."""
    return {
        v
        for op in graph.ops
        if op.segment in LATER and inlines(op)
        for v in op.inputs
        if v.op is not None and v.op.segment == "forward"
    }


def _alive_anyway(graph: Graph) -> set[Value]:
    """Values that outlive the forward steps whatever is chosen here, and states of loops, made each from another."""
    alive = set(graph.roots()) | graph.loop_states
    for op in graph.ops:
        if op.segment in LATER and not inlines(op):
            alive.update(op.inputs)
    return alive


def _region(wanted: set[Value]) -> nx.DiGraph[Value]:
    """Forward maps above the wanted values: an edge from each operand to each result."""
    region: nx.DiGraph[Any] = nx.DiGraph()
    stack = list(wanted)
    region.add_nodes_from(stack)
    seen = set(stack)
    while stack:
        v = stack.pop()
        if v.op is None or not isinstance(v.op.prim, Map):
            continue
        for u in v.op.inputs:
            region.add_edge(u, v)
            if u not in seen:
                seen.add(u)
                stack.append(u)
    return region


def _capacity(v: Value, free: set[Value]) -> int:
    if v.op is None or v in free:
        return 0
    count = 1
    for n in v.shape:
        count *= n
    return count * ITEM_BYTES[v.dtype]


def _minimum_cut(region: nx.DiGraph[Value], sinks: set[Value], free: set[Value]) -> set[Value]:
    """The cheapest values from which all sinks can be computed, as late as possible.

    Of several cheapest cuts networkx finds the one nearest the target, which is
    the sinks: the least is computed again.
    """
    flow: nx.DiGraph[Any] = nx.DiGraph()
    for v in region.nodes:
        flow.add_edge((v, "in"), (v, "out"), capacity=_capacity(v, free))
        if v.op is None or not isinstance(v.op.prim, Map):
            flow.add_edge("leaves", (v, "in"))
    for u, v in region.edges:
        flow.add_edge((u, "out"), (v, "in"))
    for v in sinks:
        flow.add_edge((v, "out"), "sinks")
    if "leaves" not in flow:
        return set()
    _, (near, far) = nx.minimum_cut(flow, "leaves", "sinks")
    return {v for v in region.nodes if v.op is not None and (v, "in") in near and (v, "out") in far}
