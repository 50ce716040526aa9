"""What runs behind a fully connected layer, as one map over samples x outputs, also cut by ranges of outputs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from runtime import ops
from runtime.expr import Expr, arg
from runtime.plan import Step, View

PLACED = ("index", "uniform", "normal")
"""Leaves that depend on where an element lies in the map's own shape."""


def one_map(epilogue: Sequence[Step], rows: int, columns: int) -> Step | None:
    """The maps of an epilogue as one over ``rows x columns``; None where one cannot stand for them.

    Every result is still written, since others may read it.
    """
    reads: list[View] = []
    made: dict[View, Expr] = {}
    for part in epilogue:
        found = _results(part, rows, columns, reads, made)
        if found is None:
            return None
        made |= found
    if not made or _meets(reads, list(made)):
        return None
    return replace(epilogue[0], op=ops.Map(tuple(made.values()), (rows, columns)), reads=tuple(reads), writes=(*made,))


def _results(part: Step, rows: int, columns: int, reads: list[View], made: dict[View, Expr]) -> dict[View, Expr] | None:
    """The trees of one map by where they go, over ``reads``, which it adds to."""
    op = part.op
    if not isinstance(op, ops.Map) or (*op.shape, 1, 1)[:2] != (rows, columns) or max((1, *op.shape[2:])) > 1:
        return None
    if any(node.op in PLACED for tree in op.results for node in tree.walk()):
        return None
    operands: dict[int, Expr] = {}
    for k, view in enumerate(_flat(v, len(op.shape)) for v in part.reads):
        if view in made and view.dtype in ("f32", "f64"):
            operands[k] = made[view]
        elif _meets([view], list(made)):
            return None
        else:
            if view not in reads:
                reads.append(view)
            dtypes = (n.dtype for tree in op.results for n in tree.walk() if n.op == "arg" and n.value == k)
            operands[k] = arg(reads.index(view), next(dtypes, "float"))
    wanted = [(tree, _flat(v, len(op.shape))) for tree, v in zip(op.results, part.writes, strict=True) if v is not None]
    if _meets([view for _, view in wanted], list(made)):
        return None
    return {view: tree.substitute(operands) for tree, view in wanted}


def _meets(some: Sequence[View], others: Sequence[View]) -> bool:
    """Whether a view of one shares memory with a view of the other in another layout."""
    return any(
        a.memory == b.memory and a != b and a.extent()[0] < b.extent()[1] and b.extent()[0] < a.extent()[1]
        for a in some
        for b in others
    )


def _flat(view: View, rank: int) -> View:
    """A view that is read in a map of ``rank`` axes, all but the first two of size 1, with two axes."""
    ahead = rank - len(view.shape)
    shape, strides = (1,) * ahead + view.shape, (0,) * ahead + view.strides
    return replace(view, shape=shape[:2], strides=strides[:2], halo=(0, 0))


def cut(step: Step, start: int, width: int, count: int) -> Step:
    """The map on ``count`` ranges of ``width`` columns from ``start`` on, over ranges x rows x columns of a range."""
    assert isinstance(step.op, ops.Map)
    rows, columns = step.op.shape

    def part(view: View) -> View:
        (_, across), (down, stride) = view.shape, view.strides
        if across == 1 and columns > 1:
            return replace(view, shape=(1, view.shape[0], 1), strides=(0, down, 0))
        return replace(
            view,
            offset=view.offset + start * stride * view.item_bytes,
            shape=(count, view.shape[0], width),
            strides=(width * stride, down, stride),
        )

    reads, writes = (tuple(part(v) for v in views if v is not None) for views in (step.reads, step.writes))
    return replace(step, op=ops.Map(step.op.results, (count, rows, width)), reads=reads, writes=writes)
