"""LogSumExp on a GPU: the largest, then the sum of exponentials below it."""

from __future__ import annotations

from math import prod
from typing import cast

from runtime import ops
from runtime.cuda.fold import Fold, Pass, Problem
from runtime.cuda.launch import Context, Launch, launcher
from runtime.expr import arg
from runtime.plan import Step
from runtime.vector.streams import Leaves, operand_stream


@launcher(ops.LogSumExp)
def logsumexp_step(step: Step, context: Context) -> list[Launch]:
    """The launch of a logsumexp; no exponential overflows, and all -inf answer -inf."""
    op = cast(ops.LogSumExp, step.op)
    (x,), (y,) = step.reads, step.writes
    kept = tuple(1 if a == op.axis else n for a, n in enumerate(x.shape))
    if y is None or prod(kept) == 0:
        return []
    leaves = Leaves.of([arg(0)], step.reads, x.shape)
    problem = Problem([arg(0)], leaves, x.shape, (op.axis,), [operand_stream(y, kept)])
    fold = Fold(problem, context, "logsumexp", segmented=False)
    line = fold.source.line
    line(f"nothing, lowest = {fold.number(0.0)}, {fold.number(float('-inf'))}")

    def larger(elements: list[list[str]]) -> None:
        line(*(f"top = maximum(top, {values[0]})" for values in elements))

    def sums(elements: list[list[str]]) -> None:
        line(*(f"total = total + exp({values[0]} - top)" for values in elements))

    top = Pass(["top"], ["top = lowest"], larger, lambda: line("top = maximum(top, other0)"), shared=True)
    begin = [f"top = {fold.across('hmax', 'top')}", "top = select(isfinite(top), top, nothing)", "total = nothing"]
    total = Pass(["total"], begin, sums, lambda: line("total = total + other0"))
    value = f"top + log({fold.across('hsum', 'total')})"
    return [fold.emit([top, total], fold.outs(), [value])]
