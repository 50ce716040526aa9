"""Reduce on the CPU: sum or max of trees over axes, in one launch or by segments and a merge."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from runtime import ops
from runtime.cpu.fold import Fold, Pass, Problem, merge_problem
from runtime.cpu.launch import Context, Launch, kernel_file, launcher
from runtime.plan import ITEM_BYTES, Step
from runtime.vector.emit import Stream
from runtime.vector.kernel import Address
from runtime.vector.streams import Leaves, operand_stream

IDENTITY = {"sum": 0.0, "max": float("-inf")}


@launcher(ops.Reduce)
def reduce_step(step: Step, context: Context) -> list[Launch]:
    """The launches of a reduce."""
    op = cast(ops.Reduce, step.op)
    wanted = [(tree, view) for tree, view in zip(op.results, step.writes, strict=True) if view is not None]
    if not wanted or any(n == 0 for a, n in enumerate(op.shape) if a not in op.axes):
        return []
    trees = [tree for tree, _ in wanted]
    kept = tuple(1 if a in op.axes else n for a, n in enumerate(op.shape))
    outs = [operand_stream(view, kept) for _, view in wanted]
    problem = Problem(trees, Leaves.of(trees, step.reads, op.shape), op.shape, op.axes, outs, context)
    return reduce_launches(problem, op.op)


def reduce_launches(problem: Problem, op: str) -> list[Launch]:
    """The launches that reduce a problem's trees by ``op``."""
    fold = Fold(problem, f"reduce_{op}")
    count = len(problem.trees)
    if fold.segments == 1:
        return [_launch(fold, op, fold.results())]
    partials = fold.partials(count)
    first = _launch(fold, op, partials)
    return [first, _merge_lines(fold, op, partials) or _merge_nest(fold, op, partials)]


def _merge_lines(fold: Fold, op: str, partials: Sequence[Stream]) -> Launch | None:
    """The merge by a kernel that all reductions share, where results lie along one dimension."""
    outs = fold.results()
    if len(fold.kept) > 1 or any(out.dtype != fold.source.working for out in outs):
        return None
    item, lanes = ITEM_BYTES[fold.source.working], fold.problem.context.lanes(fold.source.working)
    bases = [cast(Address, partial.base) for partial in partials]
    part = bases[-1].offset - bases[-2].offset if len(bases) > 1 else 0  # all are of one size, one behind the other
    blocks = -(-fold.count // lanes)
    places = [word for out in outs for word in (out.base, out.strides[-1])]
    words = (0, bases[0], item * fold.count, part, fold.segments, 1, fold.count, blocks, *places)
    kernel = kernel_file("merge_rows", SCALAR=fold.source.working, LANES=lanes, HOW=op)
    return Launch(kernel, words, blocks * len(outs), True)


def _merge_nest(fold: Fold, op: str, partials: Sequence[Stream]) -> Launch:
    merge = Fold(merge_problem(fold, partials, len(partials)), f"reduce_{op}", segmented=False)
    return _launch(merge, op, merge.results())


def _launch(fold: Fold, op: str, targets: Sequence[Stream]) -> Launch:
    names = range(len(fold.problem.trees))
    identity = f"{fold.splat()}({fold.source.real(IDENTITY[op])})"

    def combined(x: str, y: str) -> str:
        return f"{x} + {y}" if op == "sum" else f"maximum({x}, {y})"

    def body(values: list[str]) -> None:
        for k, value in enumerate(values):
            fold.source.line(f"part{k} = {combined(f'part{k}', fold.masked(value, 'nothing'))}")

    one = Pass(
        before=[f"acc{k} = nothing" for k in names],
        piece=[f"part{k} = nothing" for k in names],
        body=body,
        after_piece=[f"acc{k} = {combined(f'acc{k}', f'part{k}')}" for k in names],
    )
    fold.source.line(f"nothing = {identity}")
    across = "hsum" if op == "sum" else "hmax"
    return fold.emit([one], targets, [fold.across(across, f"acc{k}") for k in names])
