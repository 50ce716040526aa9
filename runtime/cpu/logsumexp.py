"""LogSumExp on the CPU: the largest, then the sum of exponentials below it."""

from __future__ import annotations

from math import prod
from typing import cast

from runtime import ops
from runtime.cpu.fold import Fold, Pass, Problem
from runtime.cpu.launch import Context, Launch, launcher
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
    problem = Problem([arg(0)], leaves, x.shape, (op.axis,), [operand_stream(y, kept)], context)
    fold = Fold(problem, "logsumexp", segmented=False)
    line, splat, real = fold.source.line, fold.splat(), fold.source.real
    line(f"nothing, lowest = {splat}({real(0.0)}), {splat}({real(float('-inf'))})")
    top = Pass(
        before=["top = lowest"],
        piece=[],
        body=lambda values: line(f"top = maximum(top, {fold.masked(values[0], 'lowest')})"),
        after_piece=[],
        after=[f"top = {fold.across('hmax', 'top')}", "top = select(isfinite(top), top, nothing)"],
    )
    total = Pass(
        before=["total = nothing"],
        piece=["part = nothing"],
        body=lambda values: line(f"part = part + {fold.masked(f'exp({values[0]} - top)', 'nothing')}"),
        after_piece=["total = total + part"],
    )
    return [fold.emit([top, total], fold.results(), [f"top + log({fold.across('hsum', 'total')})"])]
