"""What ``map`` and the map in front of a ``reduce`` share: checks, cost, gradient."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from compiler.primitives.derivatives import adjoints
from compiler.primitives.shapes import broadcast_axes, fits, require, written
from runtime import ops
from runtime.expr import CONVERSIONS, FLOATS, Expr, arg
from runtime.ops import Shape

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value

FLOAT = "float"
"""Dtype of a result in the graph's working precision where no operand tells it."""


def check(kind: str, results: Sequence[Expr], shape: Shape, inputs: Sequence[Value]) -> str:
    """The dtype of floating results; ValueError if operands and expressions do not fit."""
    require(len(results) > 0, kind, "no results", "1 or more")
    for k, value in enumerate(inputs):
        got = f"operand {k} {written(value.shape)}"
        require(fits(value.shape, shape), kind, got, f"one that broadcasts to {written(shape)}")
    for leaf in {n for result in results for n in result.walk() if not n.args}:
        _check_leaf(kind, leaf, len(shape), inputs)
    floats = sorted({v.dtype for v in inputs if v.dtype in FLOATS})
    require(len(floats) <= 1, kind, f"operands of {' and '.join(floats)}", "one floating dtype")
    return floats[0] if floats else FLOAT


def _check_leaf(kind: str, leaf: Expr, rank: int, inputs: Sequence[Value]) -> None:
    if leaf.op == "arg":
        k = leaf.value
        assert isinstance(k, int)
        require(0 <= k < len(inputs), kind, f"expression of operand {k}", f"{len(inputs)} operands")
        expected = inputs[k].kind
        require(leaf.dtype == expected, kind, f"operand {k} read as {leaf.dtype}", f"{expected} of {inputs[k].dtype}")
    elif leaf.op == "index":
        axis = leaf.value
        assert isinstance(axis, int)
        require(-rank <= axis < 0, kind, f"index along axis {axis}", f"-{rank} to -1")


def operations(results: Sequence[Expr]) -> int:
    """Arithmetic operations an element: every distinct function node of all trees counts 1."""
    return len({n for result in results for n in result.walk() if n.args and n.op not in CONVERSIONS})


def gradient(
    b: Builder,
    results: Sequence[Expr],
    shape: Shape,
    inputs: Sequence[Value],
    dys: Sequence[Value | None],
    known: Mapping[Expr, Value],
) -> list[Value | None]:
    """The gradient for each operand of ``results`` over ``shape``.

    Parameters
    ----------
    dys
        Gradients of the results; each broadcasts to ``shape``.
    known
        Values that already hold a sub-expression (results of the forward map).
    """
    results = list(results)
    if len(set(inputs)) < len(inputs):
        # A value read twice is one operand, so its gradient is one formula.
        first = {value: k for k, value in reversed(list(enumerate(inputs)))}
        same = {k: arg(first[v], v.kind) for k, v in enumerate(inputs)}
        known = {r.substitute(same): v for r, v in known.items()}
        results = [r.substitute(same) for r in results]
    pool = list(inputs)
    seeds = [None if dy is None else _leaf(dy, pool) for dy in dys]
    outputs = {r: _leaf(v, pool) for r, v in known.items() if r.args}
    found = adjoints(results, seeds)
    grads: list[Value | None] = []
    for k, value in enumerate(inputs):
        formula = found.get(k) if value.dtype in FLOATS else None
        grads.append(None if formula is None else emit_summed(b, formula.replace(outputs), shape, pool, value.shape))
    return grads


def _leaf(value: Value, pool: list[Value]) -> Expr:
    """The expression that reads ``value``: an operand added to the pool, or the constant it is."""
    if value.op is not None and isinstance(value.op.prim, ops.Map) and len(value.op.outputs) == 1:
        formula = value.op.prim.results[0]
        if formula.op == "const":
            return formula
    pool.append(value)
    return arg(len(pool) - 1, value.kind)


def emit_summed(b: Builder, formula: Expr, shape: Shape, pool: Sequence[Value], target: Shape) -> Value:
    """``formula`` over ``shape``, summed to the shape ``target`` that broadcasts to it.

    One ``Map`` or one ``Reduce`` with the formula in front; nothing at all where
    the formula is one of the pool's values as it stands.
    """
    used = sorted(formula.operands())
    if formula.op == "arg" and pool[used[0]].shape == target == shape:
        return pool[used[0]]
    if used != list(range(len(used))):
        formula = formula.substitute({k: arg(i, pool[k].kind) for i, k in enumerate(used)})
    axes = tuple(a for a in broadcast_axes(target, shape) if shape[a] != 1)
    prim = ops.Reduce("sum", (formula,), axes, shape) if axes else ops.Map((formula,), shape)
    total = b.emit1(prim, *(pool[k] for k in used))
    return total if total.shape == target else b.emit1(ops.Reshape(target), total)
