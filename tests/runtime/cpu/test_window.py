from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kernel_cases import GENERATED, Bench, check_step, random_values

from runtime import ops


@settings(GENERATED, max_examples=30)
@given(
    shape=st.tuples(st.integers(1, 3), st.integers(1, 40), st.integers(1, 4), st.integers(1, 4)),
    size=st.sampled_from([1, 3, 5, 9, 99]),
    slack=st.sampled_from([0, 5]),
    dtype=st.sampled_from(["f32", "f64"]),
)
def test_window_sums_agree_with_the_reference(shape, size, slack, dtype):
    bench = Bench(dtype)
    x, y = bench.activation(shape, (0, 1), slack), bench.activation(shape, slack=slack)
    check_step(bench.plan(ops.Window(size), [x], [y]), {x: random_values(np.random.default_rng(size), x)}, (1, 2, 3))


@pytest.mark.parametrize("shape", [(3, 33), (2, 20, 5), (2, 20, 3, 3)])
def test_window_takes_channels_at_any_stride(shape):
    bench = Bench()
    x, y = bench.dense(shape), bench.dense(shape)
    check_step(bench.plan(ops.Window(5), [x], [y]), {x: random_values(np.random.default_rng(0), x)})


def test_a_nan_stays_within_its_window():
    bench = Bench()
    x, y = bench.activation((1, 40, 1, 1)), bench.activation((1, 40, 1, 1))
    value = np.ones(x.shape)
    value[0, 20] = np.nan
    check_step(bench.plan(ops.Window(3), [x], [y]), {x: value})
