"""Bytes that a training step, or a forward walk, must move whatever its steps do."""

from __future__ import annotations

from collections.abc import Iterable
from math import prod

from compiler.ir import Graph, Value
from runtime.ops import Concat, Reshape, Transpose
from runtime.plan import ITEM_BYTES, STEP_SEGMENTS


def least_bytes(graph: Graph) -> int:
    """The sum over all that cannot stay in a cache.

    Inputs, read; states, read and, where they change, written; gradients and
    outputs, written; and what forward keeps for the backward steps, written and
    read. Everything else could in principle be fused away.
    """
    steps = [op for op in graph.ops if op.segment in STEP_SEGMENTS]
    read = {v for op in steps for v in op.inputs}
    made = {v for op in steps for v in op.outputs}
    total = _bytes(v for v in graph.inputs.values() if v in read)
    total += _bytes(v for v in graph.literals if v in read)
    for state in graph.states.values():
        if state.read in read or state.written is not None:
            total += _bytes([state.read]) * (1 if state.written is None else 2)
    total += _bytes(v for v in {*graph.grads.values(), *graph.outputs.values()} if v in made)
    return total + 2 * _bytes(_kept(graph))


def _kept(graph: Graph) -> set[Value]:
    """Values that forward makes and a later segment reads, each byte in one of them."""
    later = [op for op in graph.ops if op.segment in STEP_SEGMENTS and op.segment not in ("forward", "guard")]
    kept = {base for op in later for v in op.inputs if (base := _base(v)).op is not None}
    kept = {v for v in kept if v.op is not None and v.op.segment == "forward"}
    parts = {_base(p) for v in kept if v.op is not None and isinstance(v.op.prim, Concat) for p in v.op.inputs}
    return kept - parts


def _base(v: Value) -> Value:
    """The value that ``v`` shows all elements of."""
    while v.op is not None and isinstance(v.op.prim, Reshape | Transpose):
        v = v.op.inputs[0]
    return v


def _bytes(values: Iterable[Value]) -> int:
    return sum(prod(v.shape) * ITEM_BYTES[v.dtype] for v in values)
