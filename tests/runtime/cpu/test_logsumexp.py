from __future__ import annotations

import numpy as np
import pytest
from cpu_cases import check_case
from hypothesis import given, settings
from hypothesis import strategies as st
from kernel_cases import Bench, check_step
from primitive_cases import fixed, strategy

from runtime import ops


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("case", fixed(ops.LogSumExp), ids=str)
def test_logsumexp_agrees_with_the_reference(case, dtype):
    check_case(case, dtype, None)


@settings(max_examples=15, deadline=None, derandomize=True)
@given(case=strategy(ops.LogSumExp), dtype=st.sampled_from(["float32", "float64"]), seed=st.integers(0, 99))
def test_logsumexp_agrees_with_the_reference_however_views_lie(case, dtype, seed):
    check_case(case, dtype, seed, (1, 3))


@pytest.mark.parametrize("axis", [1, 2, 3])
def test_logsumexp_of_a_map_with_a_halo_along_any_axis(axis):
    bench = Bench()
    shape = (3, 19, 6, 7)
    x = bench.activation(shape, (1, 1), 2)
    y = bench.dense(tuple(1 if a == axis else n for a, n in enumerate(shape)))
    plan = bench.plan(ops.LogSumExp(axis), [x], [y])
    check_step(plan, {x: 30 * np.random.default_rng(0).standard_normal(shape)})
