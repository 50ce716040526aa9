from __future__ import annotations

import numpy as np
import pytest
from cpu_cases import ORIGIN, check_case, dense, executor_of
from hypothesis import given, settings
from hypothesis import strategies as st
from kernel_cases import Bench, check_step
from primitive_cases import Case, fixed, strategy

from runtime import ops
from runtime.plan import Step


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("case", fixed(ops.Moments), ids=str)
def test_moments_agree_with_the_reference(case, dtype):
    check_case(case, dtype, None)


@settings(max_examples=15, deadline=None, derandomize=True)
@given(case=strategy(ops.Moments), dtype=st.sampled_from(["float32", "float64"]), seed=st.integers(0, 99))
def test_moments_agree_with_the_reference_however_views_lie(case, dtype, seed):
    check_case(case, dtype, seed, (1, 3))


@pytest.mark.parametrize(("shape", "axes"), [((200001,), (0,)), ((7000, 33), (0,)), ((5, 3, 4000), (0, 2))])
def test_many_segments_are_merged_in_order(shape, axes):
    check_case(Case("big", ops.Moments(axes), (np.random.default_rng(0).normal(3.0, 2.0, shape),)), "float32", None)


def test_moments_over_pixels_of_a_map_with_a_halo():
    bench = Bench()
    shape = (6, 40, 13, 11)
    x = bench.activation(shape, (1, 2), 4)
    mean, variance = bench.dense((1, 40, 1, 1)), bench.dense((1, 40, 1, 1))
    plan = bench.plan(ops.Moments((0, 2, 3)), [x], [mean, variance])
    check_step(plan, {x: np.random.default_rng(0).standard_normal(shape) + 2})


def test_the_variance_survives_a_large_mean():
    count = 100_000
    x, mean, variance = dense((count,), "f32", 512), dense((1,), "f32", 1 << 20), dense((1,), "f32", (1 << 20) + 64)
    step = Step(ops.Moments((0,)), (x,), (mean, variance), "forward", ORIGIN)
    executor = executor_of((step,), 1 << 21)
    values = (np.random.default_rng(0).standard_normal(count) + 1000).astype(np.float32)
    executor.array(x)[...] = values
    executor.run("forward")
    # E x^2 - (E x)^2 in float32 would have no digit left: 1e6 against 1
    assert abs(executor.array(variance)[0] / values.astype(np.float64).var() - 1) < 1e-5
    assert abs(executor.array(mean)[0] / values.astype(np.float64).mean() - 1) < 1e-7


def test_one_of_the_two_results_may_be_left_out():
    x, variance = dense((7, 5), "f32", 512), dense((1, 5), "f32", 1024)
    executor = executor_of((Step(ops.Moments((0,)), (x,), (None, variance), "forward", ORIGIN),), 2048)
    values = np.random.default_rng(0).standard_normal((7, 5)).astype(np.float32)
    executor.array(x)[...] = values
    executor.run("forward")
    np.testing.assert_allclose(executor.array(variance), values.var(axis=0, keepdims=True), rtol=1e-5)


@pytest.mark.parametrize("channels", [16, 20, 24, 32, 64, 96, 130])
@pytest.mark.parametrize("isa", [None, "avx2", "generic"])
def test_channels_that_fill_registers_to_any_degree_agree_with_the_reference(channels, isa):
    bench = Bench()
    x = bench.activation((3, channels, 7, 9), (1, 1), 3)
    mean, variance = bench.dense((1, channels, 1, 1)), bench.dense((1, channels, 1, 1))
    value = np.random.default_rng(0).normal(3.0, 2.0, x.shape)
    check_step(bench.plan(ops.Moments((0, 2, 3)), [x], [mean, variance]), {x: value}, (1, 2), isa)
