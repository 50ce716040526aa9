"""Plans made by hand, run by the reference over strided views."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from primitive_cases import ConvGeometry

from runtime import ops
from runtime.executor import Store, open_executor
from runtime.expr import Expr, arg, call, const
from runtime.plan import Origin, Plan, Step, View

HERE = (Origin("conv1", "forward"),)
# N H W C with one row and column of halo and a pixel stride of 4 for 3 channels.
X = View("arena", 1000, (2, 3, 5, 4), (7 * 6 * 4, 1, 6 * 4, 4), "f32", (1, 1))
W = View("params", 16, (5, 3, 3, 3), (27, 9, 3, 1), "f32")
Y = View("arena", 4000, (2, 5, 5, 4), (100, 1, 20, 5), "f32")
LOSS = View("arena", 8000, (), (), "f32")


def make(*steps: Step, **more: object) -> Plan:
    memory = {"arena": 9000, "params": 1000, "head": 64}
    return Plan("train", "f32", 2, steps, memory, (), {"x": X}, {"y": Y}, **more)


def opened(plan: Plan, **head: float):
    executor = open_executor(plan, Store(plan.memory), "reference")
    for name, number in head.items():
        executor.set(name, number)
    return executor


def test_a_convolution_with_epilogue_over_strided_views():
    relu = call("where", call("gt", arg(0), const(0.0)), arg(0), const(0.0))
    scaled = call("mul", relu, Expr("scalar", (), "rate"))
    after = Step(ops.Map((scaled,), Y.shape), (Y,), (Y,), "forward", HERE)
    conv = Step(ops.Conv(pad=(1, 1)), (X, W), (Y,), "forward", HERE, epilogue=(after,))
    executor = opened(make(conv), rate=0.5)
    case = ConvGeometry(n=2, c=3, h=5, w=4, k=5, pad=(1, 1)).case(ops.Conv)
    x, w = (a.astype(np.float32) for a in case.operands)
    executor.feed("x", x)
    executor.array(W)[...] = w
    assert executor.run("forward") == 0
    (expected,) = replace(case, operands=(x, w)).expected()
    # Computed in float64, stored in float32.
    assert np.array_equal((0.5 * np.maximum(expected, 0)).astype(np.float32), executor.array(Y))


def test_only_the_segments_asked_for_run_in_the_order_of_the_plan():
    one = Step(ops.Map((const(1.0),), ()), (), (LOSS,), "forward", HERE)
    double = Step(ops.Map((call("mul", arg(0), const(2.0)),), ()), (LOSS,), (LOSS,), "backward", HERE)
    executor = opened(make(one, double))
    values = []
    for segments in (("forward",), ("backward",), ("backward",), ("backward", "forward")):
        executor.run(*segments)
        values.append(float(executor.array(LOSS)))
    assert [1.0, 2.0, 4.0, 2.0] == values


@pytest.mark.parametrize(("number", "status"), [(1.0, 0), (np.nan, 1), (np.inf, 1)])
def test_a_guard_stops_the_walk_before_later_steps(number, status):
    guard = Step(ops.Guard(), (LOSS,), (), "guard", HERE)
    done = Step(ops.Map((const(7.0),), W.shape), (), (W,), "update", HERE)
    executor = opened(make(guard, done))
    executor.array(LOSS)[...] = number
    assert status == executor.run("guard", "update")
    assert (0.0 if status else 7.0) == executor.array(W)[0, 0, 0, 0]


def test_clear_halo_zeroes_the_halo_and_keeps_the_rest():
    executor = opened(make(Step(ops.ClearHalo(), (), (X,), "forward", HERE)))
    around = replace(X, offset=X.offset - (24 + 4) * 4, shape=(2, 3, 7, 6), halo=(0, 0))
    executor.array(around)[...] = 3.0
    executor.run("forward")
    expected = np.zeros((2, 3, 7, 6))
    expected[:, :, 1:-1, 1:-1] = 3.0
    assert np.array_equal(expected, executor.array(around))


def test_a_result_that_nobody_reads_is_not_stored():
    pooled = View("arena", 4000, (2, 3, 2, 2), (12, 1, 6, 3), "f32")
    pool = Step(ops.Pool("max", (2, 2), (2, 2), (0, 0), (2, 2)), (X,), (pooled, None), "forward", HERE)
    executor = opened(make(pool))
    x = np.random.default_rng(0).normal(size=X.shape).astype(np.float32)
    executor.feed("x", x)
    assert executor.run("forward") == 0
    expected = x[:, :, :4].reshape(2, 3, 2, 2, 2, 2).max((3, 5))
    assert np.array_equal(expected, executor.array(pooled))


def test_random_steps_draw_from_the_head():
    noise = Step(ops.Map((Expr("uniform", (), (9, 0)),), Y.shape), (), (Y,), "forward", HERE)
    drawn = []
    for head in ({"seed": 1}, {"seed": 1}, {"seed": 1, "iteration": 1}):
        executor = opened(make(noise), **head)
        executor.run("forward")
        drawn.append(executor.array(Y).copy())
    assert np.array_equal(drawn[0], drawn[1])
    assert not np.any(drawn[0] == drawn[2])
