"""Moments on a GPU: mean and biased variance from (count, mean, sum of squares around it), merged in a fixed order.

A thread takes a few elements at once, each time in two passes over registers.

Source
    Chan, Golub and LeVeque 1979, "Updating formulae and a pairwise algorithm
    for computing sample variances".
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import cast

from runtime import ops
from runtime.cuda.fold import Fold, Pass, Problem
from runtime.cuda.launch import Context, Launch, launcher
from runtime.expr import arg
from runtime.ops import Shape
from runtime.plan import Step
from runtime.vector.emit import Stream
from runtime.vector.streams import Leaves, operand_stream

TOGETHER = 8
"""Elements that a thread takes at once: divisions are few, registers suffice."""

STATE = ("mean", "square", "count")


@launcher(ops.Moments)
def moments_step(step: Step, context: Context) -> list[Launch]:
    """The launches of moments: of all, or of segments and their merge."""
    op = cast(ops.Moments, step.op)
    shape = step.reads[0].shape
    kept = tuple(1 if a in op.axes else n for a, n in enumerate(shape))
    if prod(kept) == 0 or step.writes == (None, None):
        return []
    outs = [operand_stream(view, kept) for view in step.writes if view is not None]
    wanted = [text for text, view in zip(("mean", "square / count"), step.writes, strict=True) if view is not None]
    leaves = Leaves.of([arg(0)], step.reads, shape)
    fold = Fold(Problem([arg(0)], leaves, shape, op.axes, outs), context, "moments")
    if fold.segments == 1:
        return [_elements(fold, fold.outs(), wanted)]
    partials = fold.partials(len(STATE))
    merge = fold.merged(partials, "moments_merge")
    return [_elements(fold, partials, STATE), _segments(merge, merge.outs(), wanted)]


def merged(partials: Sequence[Stream], shape: Shape, outs: Sequence[Stream | None], context: Context) -> Launch:
    """The launch that merges what others found: ``STATE`` over (part, kept), to mean and variance over the kept."""
    leaves = Leaves(list(partials), {k: k for k in range(len(partials))}, {})
    wanted = [text for text, out in zip(("mean", "square / count"), outs, strict=True) if out is not None]
    problem = Problem([arg(k) for k in range(len(partials))], leaves, shape, (0,), [o for o in outs if o is not None])
    merge = Fold(problem, context, "moments_merge", segmented=False)
    return _segments(merge, merge.outs(), wanted)


def _elements(fold: Fold, targets: Sequence[Stream], wanted: Sequence[str]) -> Launch:
    """Moments of single elements."""

    def body(elements: list[list[str]]) -> None:
        line, found, size = fold.source.line, [values[0] for values in elements], len(elements)
        if size == 1:
            _merge(fold, found[0], "nothing", "one")
            return
        line(f"middle = ({' + '.join(found)}) * each")
        line("around = nothing", *(f"around = fma({x} - middle, {x} - middle, around)" for x in found))
        _merge(fold, "middle", "around", "several")

    fold.source.function("fma")
    return _launch(fold, body, targets, wanted, TOGETHER)


def _segments(fold: Fold, targets: Sequence[Stream], wanted: Sequence[str]) -> Launch:
    """Moments of what segments found."""

    def body(elements: list[list[str]]) -> None:
        for values in elements:
            _merge(fold, *values)

    return _launch(fold, body, targets, wanted, 1)


def _launch(
    fold: Fold,
    body: Callable[[list[list[str]]], None],
    targets: Sequence[Stream],
    wanted: Sequence[str],
    together: int,
) -> Launch:
    constants = {"nothing": 0.0, "one": 1.0, "several": float(TOGETHER), "each": 1 / TOGETHER}
    fold.source.line(*(f"{name} = {fold.number(value)}" for name, value in constants.items()))
    others = [f"other{k}" for k in range(len(STATE))]
    one = Pass(STATE, [f"{name} = nothing" for name in STATE], body, lambda: _merge(fold, *others))
    return fold.emit([one], targets, wanted, together, _lanes(fold) if fold.rows else ())


def _merge(fold: Fold, mean: str, square: str, count: str) -> None:
    """Lines that add what was found elsewhere to the state; of nothing and nothing, nothing."""
    fold.source.line(
        f"away, both = {mean} - mean, count + {count}",
        f"share = {count} / maximum(both, one)",
        f"square = square + {square} + count * share * away * away",
        "mean, count = mean + away * share, both",
    )


def _lanes(fold: Fold) -> list[str]:
    """Lines that merge the lanes of a result: their means around a rough one, so that no digits are lost."""
    splat = fold.splat()
    return [
        f"rough, whole = {splat}(hsum(mean) / LANES), {splat}(hsum(count))",
        f"middle = rough + {splat}(hsum((mean - rough) * count)) / whole",
        f"square = {splat}(hsum(square + count * (mean - middle) * (mean - middle)))",
        "mean, count = middle, whole",
    ]
