"""Moments on the CPU: mean and biased variance, two passes a segment, segments merged in order.

A segment (some 48 KB) is walked twice while it is in the cache: the mean, then
the squares around it. Segments are merged as (count, mean, M2).

Source
    Chan, Golub and LeVeque 1979, "Updating formulae and a pairwise algorithm
    for computing sample variances".
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import cast

from runtime import ops
from runtime.cpu.fold import Fold, Pass, Problem, merge_problem
from runtime.cpu.launch import Context, Launch, launcher
from runtime.expr import arg
from runtime.plan import Step
from runtime.vector.emit import Stream
from runtime.vector.streams import Leaves, operand_stream


@launcher(ops.Moments)
def moments_step(step: Step, context: Context) -> list[Launch]:
    """The launches of moments: segments, then the merge."""
    op = cast(ops.Moments, step.op)
    shape = step.reads[0].shape
    kept = tuple(1 if a in op.axes else n for a, n in enumerate(shape))
    if prod(kept) == 0 or step.writes == (None, None):
        return []
    outs = [operand_stream(view, kept) for view in step.writes if view is not None]
    values = [value for value, view in zip(("mean", "square / count"), step.writes, strict=True) if view is not None]
    leaves = Leaves.of([arg(0)], step.reads, shape)
    fold = Fold(Problem([arg(0)], leaves, shape, op.axes, outs, context), "moments")
    partials = fold.partials(3)
    first = _segments(fold, partials)
    merge = Fold(merge_problem(fold, partials, 3), "moments_merge", segmented=False, columns=True)
    return [first, _merge(merge, values)]


def _segments(fold: Fold, partials: Sequence[Stream]) -> Launch:
    """Mean, M2 and count of each segment."""
    line = fold.source.line
    line(f"nothing = {fold.splat()}({fold.source.real(0.0)})")
    mean = Pass(
        before=["total = nothing", "count = 0"],
        piece=["part = nothing"],
        body=lambda values: line(f"part = part + {fold.masked(values[0], 'nothing')}"),
        after_piece=["total = total + part", "count += hi - lo"],
        after=[f"mean = {fold.across('hsum', 'total')} / {fold.splat()}(count)"],
    )

    def squares(values: list[str]) -> None:
        line(f"away = {values[0]} - mean", f"part = part + {fold.masked('away * away', 'nothing')}")

    square = Pass(["total = nothing"], ["part = nothing"], squares, ["total = total + part"])
    texts = ["mean", fold.across("hsum", "total"), f"{fold.splat()}(count)"]
    return fold.emit([mean, square], partials, texts)


def _merge(fold: Fold, values: Sequence[str]) -> Launch:
    """Chan's formula over segments, in order."""
    line = fold.source.line

    def body(found: list[str]) -> None:
        mean, square, count = found
        line(f"away = {mean} - mean", f"both = count + {count}", f"share = {count} / both")
        line(f"square = square + {square} + away * away * count * share")
        line("mean = mean + away * share", "count = both")

    line(f"nothing = {fold.splat()}({fold.source.real(0.0)})")
    one = Pass(["mean = nothing", "square = nothing", "count = nothing"], [], body, [])
    return fold.emit([one], fold.results(), values)
