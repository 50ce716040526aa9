from __future__ import annotations

from dataclasses import replace

from compiler.updates import merge_updates
from runtime.expr import Expr, arg, call, const
from runtime.ops import Map
from runtime.plan import Origin, Step, View

HALVED = call("mul", arg(0), const(0.5))


def update(name: str, start: int, count: int, formula: Expr = HALVED, segment: str = "update") -> Step:
    """A parameter of ``count`` numbers, the ``start``-th of its memory on, made from its gradient."""
    gradient = View("gradients", 4 * start, (count, 1), (1, 1), "f32")
    return Step(
        Map((formula,), (count, 1)), (gradient,), (replace(gradient, memory="params"),), segment,
        (Origin(name, "update"),), flops=count,
    )  # fmt: skip


def test_equal_updates_of_neighbours_are_one_step():
    (merged,) = merge_updates([update("a", 0, 6), update("b", 6, 10)])
    assert merged == Step(
        Map((HALVED,), (16,)),
        (View("gradients", 0, (16,), (1,), "f32"),),
        (View("params", 0, (16,), (1,), "f32"),),
        "update",
        (Origin("a", "update"), Origin("b", "update")),
        flops=16,
    )


def test_neighbours_are_found_in_any_order():
    (merged,) = merge_updates([update("b", 6, 10), update("a", 0, 6)])
    assert merged.op == Map((HALVED,), (16,))


def test_a_few_bytes_of_padding_between_parameters_are_walked_over():
    (merged,) = merge_updates([update("a", 0, 6), update("b", 16, 4)])
    assert merged.op == Map((HALVED,), (20,))


def test_distant_or_different_updates_stay_apart():
    doubled = call("add", arg(0), arg(0))
    assert len(merge_updates([update("a", 0, 6), update("b", 64, 6)])) == 2
    assert len(merge_updates([update("a", 0, 6), update("b", 6, 6, doubled)])) == 2
    assert len(merge_updates([update("a", 0, 6), update("b", 6, 6, segment="accumulate")])) == 2


def test_other_segments_are_left_alone():
    steps = [update("a", 0, 6, segment="backward"), update("b", 6, 6, segment="backward")]
    assert merge_updates(steps) == steps
