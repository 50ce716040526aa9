from __future__ import annotations

import numpy as np
import pytest
from cpu_cases import ORIGIN, dense
from emulated_cases import check_emulated_case, check_emulated_step
from hypothesis import given, settings
from hypothesis import strategies as st
from kernel_cases import GENERATED, Bench
from primitive_cases import Case, fixed, strategy

from runtime import ops
from runtime.cuda.emulator.executor import EmulatedExecutor
from runtime.executor import Store
from runtime.plan import Plan, Step


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("case", fixed(ops.Moments), ids=str)
def test_moments_agree_with_the_reference(case, dtype):
    check_emulated_case(case, dtype, None)


@settings(GENERATED, max_examples=15)
@given(case=strategy(ops.Moments), dtype=st.sampled_from(["float32", "float64"]), seed=st.integers(0, 99))
def test_moments_agree_with_the_reference_however_views_lie(case, dtype, seed):
    check_emulated_case(case, dtype, seed)


@pytest.mark.parametrize(("shape", "axes"), [((1501,), (0,)), ((700, 33), (0,)), ((5, 3, 400), (0, 2))])
@pytest.mark.usefixtures("many_segments")
def test_many_segments_are_merged_in_order(shape, axes):
    case = Case("big", ops.Moments(axes), (np.random.default_rng(0).normal(3.0, 2.0, shape),))
    check_emulated_case(case, "float32", None)


@pytest.mark.parametrize("channels", [8, 20, 33])
@pytest.mark.parametrize("slack", [0, 3])
def test_moments_over_pixels_of_a_slice_of_a_map(channels, slack):
    bench = Bench()
    x = bench.activation((3, channels, 7, 9), slack=slack)
    mean, variance = bench.dense((1, channels, 1, 1)), bench.dense((1, channels, 1, 1))
    value = np.random.default_rng(0).normal(3.0, 2.0, x.shape)
    check_emulated_step(bench.plan(ops.Moments((0, 2, 3)), [x], [mean, variance]), {x: value})


def _moments(values: np.ndarray, axes: tuple[int, ...]) -> list[np.ndarray]:
    """Mean and variance of float32 values in the emulator."""
    kept = tuple(1 if a in axes else n for a, n in enumerate(values.shape))
    x, *outs = dense(values.shape, "f32", 512), dense(kept, "f32", 1 << 16), dense(kept, "f32", (1 << 16) + 4096)
    step = Step(ops.Moments(axes), (x,), tuple(outs), "forward", ORIGIN)
    executor = EmulatedExecutor(Plan("train", "f32", 1, (step,), {"arena": 1 << 17}, (), {}, {}), Store({}))
    executor.array(x)[...] = values
    executor.run("forward")
    return [executor.array(v).copy() for v in outs]


@pytest.mark.usefixtures("many_segments")
def test_the_variance_survives_a_large_mean():
    values = (np.random.default_rng(0).standard_normal(10_000) + 1000).astype(np.float32)
    mean, variance = _moments(values, (0,))
    # E x^2 - (E x)^2 in float32 would have no digit left: 1e6 against 1
    assert abs(variance[0] / values.astype(np.float64).var() - 1) < 1e-5
    assert abs(mean[0] / values.astype(np.float64).mean() - 1) < 1e-7


def test_a_channel_with_a_nan_spoils_no_other():
    values = np.random.default_rng(0).standard_normal((40, 8)).astype(np.float32)
    values[17, 3] = np.nan
    mean, variance = _moments(values, (0,))
    assert [3] == np.flatnonzero(np.isnan(mean)).tolist() == np.flatnonzero(np.isnan(variance)).tolist()


def test_one_of_the_two_results_may_be_left_out():
    bench = Bench()
    x, variance = bench.dense((7, 5)), bench.dense((1, 5))
    value = np.random.default_rng(0).standard_normal((7, 5))
    check_emulated_step(bench.plan(ops.Moments((0,)), [x], [None, variance]), {x: value})
