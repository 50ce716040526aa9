"""simplify: drops what nobody reads, what was computed before, and copies.

``fold`` simplifies one expression tree; ``fuse`` applies it to the trees it makes.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from math import prod
from typing import cast

from compiler.ir import Graph, Op, Value
from runtime.expr import Expr, const
from runtime.ops import Guard, Map, Pad, Primitive, Reshape, Slice

OWN_MEMORY = ("init", "accumulate")
"""Segments whose results fill one state each: equal ones stay apart."""


def simplify(graph: Graph) -> Graph:
    """Removes copies, repeated computations and dead operations."""
    _merge_equal(graph)
    return drop_dead(graph)


def drop_dead(graph: Graph) -> Graph:
    """Removes operations whose results reach no root."""
    live = set(graph.roots())
    kept = []
    for op in reversed(graph.ops):
        if isinstance(op.prim, Guard) or any(v in live for v in op.outputs):
            live.update(op.inputs)
            kept.append(op)
    graph.ops = kept[::-1]
    graph.blobs = {name: v for name, v in graph.blobs.items() if v.op is None or v in live}
    graph.literals = {v: array for v, array in graph.literals.items() if v in live}
    return graph


def _merge_equal(graph: Graph) -> None:
    """Common subexpressions, copies and chains of reshapes, in one walk."""
    new: dict[Value, Value] = {}
    seen: dict[tuple[Primitive, tuple[Value, ...]], Op] = {}
    kept_values = {*graph.inputs.values(), *(s.read for s in graph.states.values())}
    protected = set(graph.keep) | set(graph.grads.values()) | set(graph.blob_grads.values())
    ops = []
    for op in graph.ops:
        op.inputs = tuple(new.get(v, v) for v in op.inputs)
        _shorten_reshape(op)
        _look_through_padding(op)
        if op.segment in OWN_MEMORY:
            ops.append(op)
            continue
        key = (op.prim, op.inputs)
        same = seen.get(key)
        if same is not None:
            if op.inputs and prod(op.outputs[0].shape) > 1:
                same.origin = tuple(sorted({*same.origin, *op.origin}))
            new.update(zip(op.outputs, same.outputs, strict=True))
        elif _is_copy(op) and not (op.inputs[0] in kept_values | protected and op.outputs[0] in protected):
            new[op.outputs[0]] = op.inputs[0]
        else:
            seen[key] = op
            ops.append(op)
    graph.ops = ops
    graph.replace(new)


def _is_copy(op: Op) -> bool:
    if isinstance(op.prim, Reshape):
        return op.inputs[0].shape == op.prim.shape
    if not isinstance(op.prim, Map) or len(op.prim.results) != 1 or len(op.inputs) != 1:
        return False
    return op.prim.results[0].op == "arg" and op.inputs[0].shape == op.prim.shape


def _shorten_reshape(op: Op) -> None:
    """A reshape of a reshape reads the first's operand; one of a constant is a constant."""
    if not isinstance(op.prim, Reshape):
        return
    maker = op.inputs[0].op
    if maker is None:
        return
    if isinstance(maker.prim, Reshape):
        op.inputs = maker.inputs
    elif isinstance(maker.prim, Map) and maker.prim.results[0].op == "const":
        op.prim, op.inputs = Map(maker.prim.results, op.prim.shape), ()


def _look_through_padding(op: Op) -> None:
    """A slice of what was padded along its axis alone reads what is inside the padding."""
    maker = op.inputs[0].op if isinstance(op.prim, Slice) else None
    if maker is None or not isinstance(maker.prim, Pad) or not isinstance(op.prim, Slice):
        return
    axis, start, stop = op.prim.axis, op.prim.start, op.prim.stop
    before, source = maker.prim.widths[axis][0], maker.inputs[0]
    alone = all(w == (0, 0) for k, w in enumerate(maker.prim.widths) if k != axis)
    if alone and min(maker.prim.widths[axis]) >= 0 and before <= start and stop <= before + source.shape[axis]:
        op.prim, op.inputs = Slice(axis, start - before, stop - before), maker.inputs


def fold(tree: Expr) -> Expr:
    """The tree with constants computed and neutral operations removed.

    Only rewrites that keep NaN and infinity: x * 0 stays.
    """
    for node in tree.walk():
        if node not in _folded:
            args = tuple(_folded[a] for a in node.args)
            _folded[node] = _fold_node(Expr(node.op, args, node.value, node.dtype))
    return _folded[tree]


_folded: dict[Expr, Expr] = {}


def _fold_node(node: Expr) -> Expr:
    if not node.args:
        return node
    if all(a.op == "const" for a in node.args):
        computed = _compute(node)
        if computed is not None:
            return computed
    rewrite = _REWRITES.get(node.op)
    return node if rewrite is None else rewrite(node)


def _compute(node: Expr) -> Expr | None:
    function = _CONSTANT.get(node.op)
    if function is None:
        return None
    try:
        value = function(*(a.value for a in node.args))
    except (ArithmeticError, ValueError):
        return None
    if node.dtype == "float":
        return const(float(value))
    return const(bool(value)) if node.dtype == "b1" else const(int(value))


_CONSTANT: dict[str, Callable[..., float]] = {
    "add": operator.add,
    "sub": operator.sub,
    "mul": operator.mul,
    "div": operator.truediv,
    "neg": operator.neg,
    "sqrt": math.sqrt,
    "exp": math.exp,
    "log": math.log,
    "to_float": float,
    "lt": operator.lt,
    "le": operator.le,
    "gt": operator.gt,
    "ge": operator.ge,
    "eq": operator.eq,
    "ne": operator.ne,
    "not": operator.not_,
}


def _is(node: Expr, value: float) -> bool:
    return node.op == "const" and node.value == value and node.dtype != "b1"


def _fold_add(node: Expr) -> Expr:
    a, b = node.args
    if _is(a, 0) and b.dtype == node.dtype:
        return b
    if _is(b, 0) and a.dtype == node.dtype:
        return a
    if b.op == "neg":
        return Expr("sub", (a, b.args[0]), None, node.dtype)
    if a.op == b.op == "where" and a.args[0] == b.args[0]:
        return _joined(node, a.args[1:], b.args[1:])
    return node


def _joined(node: Expr, a: tuple[Expr, ...], b: tuple[Expr, ...]) -> Expr:
    """where(c, x, 0) + where(c, 0, y), the gradient of a choice, as where(c, x, y)."""
    sides = [q if _is(p, 0) else p if _is(q, 0) else None for p, q in zip(a, b, strict=True)]
    chosen = [s for s in sides if s is not None and s.dtype == node.dtype]
    if len(chosen) < 2:
        return node
    return _fold_where(Expr("where", (node.args[0].args[0], *chosen), None, node.dtype))


def _fold_sub(node: Expr) -> Expr:
    a, b = node.args
    if _is(b, 0):
        return a
    if _is(a, 0):
        return Expr("neg", (b,), None, node.dtype)
    return node


def _fold_mul(node: Expr) -> Expr:
    a, b = node.args
    if _is(a, 1):
        return b
    if _is(b, 1):
        return a
    if a.op == "const" and b.op == "mul" and b.args[0].op == "const" and node.dtype == "float":
        return Expr("mul", (const(float(a.value) * float(b.args[0].value)), b.args[1]), None, "float")  # type: ignore[arg-type]
    if b.op == "const" and a.op != "const":
        return _fold_mul(Expr("mul", (b, a), None, node.dtype))
    masked = b.op == "where" and _is(b.args[2], 0) and b.dtype == node.dtype == "float"
    if masked and a.op == "const" and 0 < cast(float, a.value) < math.inf:
        # a mask behind a factor as one before it: dropout and its gradient are one formula
        condition, kept, zero = b.args
        return Expr("where", (condition, _fold_node(Expr("mul", (a, kept), None, node.dtype)), zero), None, node.dtype)
    return node


def _fold_div(node: Expr) -> Expr:
    return node.args[0] if _is(node.args[1], 1) else node


def _fold_neg(node: Expr) -> Expr:
    return node.args[0].args[0] if node.args[0].op == "neg" else node


def _fold_where(node: Expr) -> Expr:
    condition, a, b = node.args
    if condition.op == "const":
        return a if condition.value else b
    if condition.op == "not":
        return Expr("where", (condition.args[0], b, a), None, node.dtype)
    return a if a == b else node


def _fold_pow(node: Expr) -> Expr:
    x, power = node.args
    if _is(power, 1):
        return x
    if _is(power, 2):
        return Expr("mul", (x, x), None, "float")
    if _is(power, 0.5):
        return Expr("sqrt", (x,), None, "float")
    return node


_REWRITES: dict[str, Callable[[Expr], Expr]] = {
    "add": _fold_add,
    "sub": _fold_sub,
    "mul": _fold_mul,
    "div": _fold_div,
    "neg": _fold_neg,
    "where": _fold_where,
    "pow": _fold_pow,
}
