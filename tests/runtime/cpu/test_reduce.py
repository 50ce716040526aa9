from __future__ import annotations

import numpy as np
import pytest
from cpu_cases import ORIGIN, check_case, dense, executor_of
from hypothesis import given, settings
from hypothesis import strategies as st
from kernel_cases import Bench, check_step
from primitive_cases import fixed, reduce_case, strategy

from runtime import ops
from runtime.expr import arg, call
from runtime.plan import Step


@pytest.mark.parametrize("case", fixed(ops.Reduce), ids=str)
def test_reduce_agrees_with_the_reference(case):
    check_case(case, "float32", None, (1, 2))


@pytest.mark.parametrize("case", fixed(ops.Reduce)[::6], ids=str)
def test_reduce_in_float64_agrees_with_the_reference(case):
    check_case(case, "float64", None, (1, 2))


@settings(max_examples=25, deadline=None, derandomize=True)
@given(case=strategy(ops.Reduce), dtype=st.sampled_from(["float32", "float64"]), seed=st.integers(0, 99))
def test_reduce_agrees_with_the_reference_however_views_lie(case, dtype, seed):
    check_case(case, dtype, seed, (1, 3))


@pytest.mark.parametrize("op", ["sum", "max"])
@pytest.mark.parametrize(
    ("shape", "axes"),
    [((300001,), (0,)), ((90000, 5), (0,)), ((40, 9000), (1,)), ((3, 60000), (0, 1)), ((9, 40000), (0,))],
)
def test_large_reductions_are_cut_into_segments_of_fixed_order(op, shape, axes):
    case = reduce_case(op, "difference_and_square", 1, axes, shape, (shape, shape[-1:], ()))
    check_case(case, "float32", None)


def test_float32_sums_of_millions_keep_their_digits():
    count = 3_000_000
    x, y = dense((count,), "f32", 512), dense((1,), "f32", 4 * count + 2048)
    step = Step(ops.Reduce("sum", (arg(0),), (0,), (count,)), (x,), (y,), "forward", ORIGIN)
    executor = executor_of((step,), 4 * count + 4096)
    values = np.random.default_rng(0).random(count, np.float32)
    executor.array(x)[...] = values
    executor.run("forward")
    want = values.sum(dtype=np.float64)
    # a running sum in float32 is off by 1e-4; 3e-7 is a few roundings of float32
    assert abs(executor.array(y)[0] - want) / want < 3e-7


def test_channels_of_a_map_with_a_halo_and_gaps_are_summed():
    bench = Bench()
    shape = (5, 37, 9, 11)
    x, dy = bench.activation(shape, (2, 1), 3), bench.activation(shape, (0, 0), 11)
    total, product = bench.dense((1, 37, 1, 1)), bench.dense((1, 37, 1, 1))
    op = ops.Reduce("sum", (arg(1), call("mul", arg(0), arg(1))), (0, 2, 3), shape)
    rng = np.random.default_rng(0)
    plan = bench.plan(op, [x, dy], [total, product])
    check_step(plan, {v: rng.standard_normal(v.shape) for v in (x, dy)})


def test_of_nothing_the_sum_is_0_and_the_largest_is_minus_infinity():
    for op, want in (("sum", 0.0), ("max", -np.inf)):
        x, y = dense((3, 0), "f32", 512), dense((3, 1), "f32", 1024)
        executor = executor_of((Step(ops.Reduce(op, (arg(0),), (1,), (3, 0)), (x,), (y,), "forward", ORIGIN),), 2048)
        executor.run("forward")
        np.testing.assert_array_equal(executor.array(y), np.full((3, 1), want, np.float32))
