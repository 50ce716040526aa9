from __future__ import annotations

import numpy as np
import pytest
from emulated_cases import check_emulated_case, check_emulated_step
from hypothesis import given, settings
from hypothesis import strategies as st
from kernel_cases import GENERATED, Bench, random_values
from primitive_cases import fixed

from runtime import ops


@settings(GENERATED, max_examples=30)
@given(
    shape=st.tuples(st.integers(1, 2), st.integers(1, 20), st.integers(1, 3), st.integers(1, 3)),
    size=st.sampled_from([1, 3, 5, 99]),
    slack=st.sampled_from([0, 5]),
    dtype=st.sampled_from(["f32", "f64"]),
)
def test_window_sums_agree_with_the_reference(shape, size, slack, dtype):
    bench = Bench(dtype)
    x, y = bench.activation(shape, slack=slack), bench.activation(shape, slack=slack)
    check_emulated_step(bench.plan(ops.Window(size), [x], [y]), {x: random_values(np.random.default_rng(size), x)})


@pytest.mark.parametrize("case", fixed(ops.Window), ids=str)
def test_window_sums_agree_however_views_lie(case):
    check_emulated_case(case, "float32", 7)


@pytest.mark.parametrize("shape", [(3, 33), (2, 20, 5), (2, 6, 3, 3), (2, 6, 2, 3, 2)])
def test_window_takes_channels_at_any_stride(shape):
    bench = Bench()
    x, y = bench.dense(shape), bench.dense(shape)
    check_emulated_step(bench.plan(ops.Window(5), [x], [y]), {x: random_values(np.random.default_rng(0), x)})


def test_a_nan_stays_within_its_window():
    bench = Bench()
    x, y = bench.activation((1, 40, 1, 1)), bench.activation((1, 40, 1, 1))
    value = np.ones(x.shape)
    value[0, 20] = np.nan
    check_emulated_step(bench.plan(ops.Window(3), [x], [y]), {x: value})
