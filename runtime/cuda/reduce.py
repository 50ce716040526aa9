"""Reduce on a GPU: sum or max of trees over axes, in one launch or by segments and a merge."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from runtime import ops
from runtime.cuda.fold import MOST_STATE, Fold, Pass, Problem
from runtime.cuda.launch import Context, Launch, launcher
from runtime.expr import Expr, arg
from runtime.ops import Shape
from runtime.plan import Step, View
from runtime.vector.emit import Stream
from runtime.vector.streams import Leaves, operand_stream

IDENTITY = {"sum": 0.0, "max": float("-inf")}


@launcher(ops.Reduce)
def reduce_step(step: Step, context: Context) -> list[Launch]:
    """The launches of a reduce."""
    op = cast(ops.Reduce, step.op)
    wanted = [(tree, view) for tree, view in zip(op.results, step.writes, strict=True) if view is not None]
    if any(n == 0 for a, n in enumerate(op.shape) if a not in op.axes):
        return []
    parts = [wanted[k : k + MOST_STATE] for k in range(0, len(wanted), MOST_STATE)]
    return [launch for part in parts for launch in _launches(op, part, step, context)]


def _launches(op: ops.Reduce, wanted: Sequence[tuple[Expr, View]], step: Step, context: Context) -> list[Launch]:
    """Of as many results as threads have room for."""
    trees = [tree for tree, _ in wanted]
    kept = tuple(1 if a in op.axes else n for a, n in enumerate(op.shape))
    outs = [operand_stream(view, kept) for _, view in wanted]
    problem = Problem(trees, Leaves.of(trees, step.reads, op.shape), op.shape, op.axes, outs)
    fold = Fold(problem, context, f"reduce_{op.op}")
    if fold.segments == 1:
        return [_launch(fold, op.op, fold.outs())]
    partials = fold.partials(len(wanted))
    merge = fold.merged(partials, f"reduce_{op.op}")
    return [_launch(fold, op.op, partials), _launch(merge, op.op, merge.outs())]


def merged(op: str, parts: Sequence[tuple[Stream, Stream]], shape: Shape, context: Context) -> Launch:
    """The launch that merges what others found: of each pair, a stream over (part, kept) to one over the kept."""
    leaves = Leaves([found for found, _ in parts], {k: k for k in range(len(parts))}, {})
    problem = Problem([arg(k) for k in range(len(parts))], leaves, shape, (0,), [out for _, out in parts])
    merge = Fold(problem, context, f"reduce_{op}", segmented=False)
    return _launch(merge, op, merge.outs())


def _launch(fold: Fold, op: str, targets: Sequence[Stream]) -> Launch:
    state = [f"acc{k}" for k in range(len(fold.trees))]

    def combined(x: str, y: str) -> str:
        return f"{x} = {x} + {y}" if op == "sum" else f"{x} = maximum({x}, {y})"

    def body(elements: list[list[str]]) -> None:
        for values in elements:
            fold.source.line(*(combined(name, value) for name, value in zip(state, values, strict=True)))

    def merge() -> None:
        fold.source.line(*(combined(name, f"other{k}") for k, name in enumerate(state)))

    start = [f"{name} = {fold.number(IDENTITY[op])}" for name in state]
    values = [fold.across("hsum" if op == "sum" else "hmax", name) for name in state]
    return fold.emit([Pass(state, start, body, merge)], targets, values)
