"""What runs behind a product on its finished rows: maps, and reductions over all rows.

A reduction leaves what it found in a range of rows in scratch; a merge behind
the product sums up in the order of the rows. The ranges depend on shapes alone,
so the bits are the same for any number of threads. A map and the reductions
behind it over the same elements are one pass.
"""

from __future__ import annotations

from runtime import ops
from runtime.cpu.launch import LAUNCHERS, Context, Launch, Tail, tail_maker
from runtime.cpu.rows import Fused, moments_rows, reduce_rows
from runtime.expr import Expr, arg
from runtime.plan import Step, View
from runtime.vector.emit import working_dtype


@tail_maker
def tail(step: Step, ctx: Context) -> Tail:
    """The launches of a step's epilogue."""
    inside: list[Launch] = []
    after: list[Launch] = []
    apart: list[Launch] = []
    waiting: Step | None = None  # a map that the next reduction may take along
    for part in step.epilogue:
        apart += [ctx.rows_launch(part)] if isinstance(part.op, ops.Map) else LAUNCHERS.of(part.op)(part, ctx)
        fused = _with_map(waiting, part, ctx) if waiting is not None else None
        if waiting is not None and fused is None:
            inside.append(ctx.rows_launch(waiting))
        waiting = None
        if isinstance(part.op, ops.Map):
            waiting = part
            continue
        first, merge = _reduction(part, fused, ctx)
        inside.append(first)
        after.append(merge)
    if waiting is not None:
        inside.append(ctx.rows_launch(waiting))
    return Tail(tuple(inside), tuple(after), tuple(apart))


def _reduction(part: Step, fused: Fused | None, ctx: Context) -> tuple[Launch, Launch]:
    if isinstance(part.op, ops.Moments):
        return moments_rows(ctx, part.reads[0], part.writes)
    assert isinstance(part.op, ops.Reduce)
    wanted = [(tree, view) for tree, view in zip(part.op.results, part.writes, strict=True) if view is not None]
    alone = Fused([tree for tree, _ in wanted], part.reads, [])
    return reduce_rows(ctx, part.op, fused or alone, [view for _, view in wanted])


def _with_map(first: Step, second: Step, ctx: Context) -> Fused | None:
    """A map and the reduction behind it as one pass, or None where one element's pass could meet another's."""
    if not isinstance(second.op, ops.Reduce) or not isinstance(first.op, ops.Map) or first.op.shape != second.op.shape:
        return None
    stored = [(tree, view) for tree, view in zip(first.op.results, first.writes, strict=True) if view is not None]
    working = working_dtype([v.dtype for v in (*first.reads, *second.reads)], ctx.dtype)
    made = {view: tree for tree, view in stored if view.dtype == working}
    if any(_touches(read, view) for read in second.reads for _, view in stored if read not in made):
        return None
    reads = list(first.reads)
    operands: dict[int, Expr] = {}
    for k, view in enumerate(second.reads):
        if view in made:
            operands[k] = made[view]
            continue
        if view not in first.reads:
            reads.append(view)
        dtype = next((n.dtype for r in second.op.results for n in r.walk() if n.op == "arg" and n.value == k), "float")
        operands[k] = arg(reads.index(view), dtype)
    wanted = zip(second.op.results, second.writes, strict=True)
    sums = [result.substitute(operands) for result, view in wanted if view is not None]
    return Fused([*(tree for tree, _ in stored), *sums], reads, [view for _, view in stored])


def _touches(a: View, b: View) -> bool:
    (low, high), (start, end) = a.extent(), b.extent()
    return a.memory == b.memory and low < end and start < high
