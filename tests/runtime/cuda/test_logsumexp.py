from __future__ import annotations

import numpy as np
import pytest
from emulated_cases import check_emulated_case, check_emulated_step
from hypothesis import given, settings
from hypothesis import strategies as st
from kernel_cases import GENERATED, Bench
from primitive_cases import Case, fixed, strategy

from runtime import ops


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("case", fixed(ops.LogSumExp), ids=str)
def test_logsumexp_agrees_with_the_reference(case, dtype):
    check_emulated_case(case, dtype, None)


@settings(GENERATED, max_examples=15)
@given(case=strategy(ops.LogSumExp), dtype=st.sampled_from(["float32", "float64"]), seed=st.integers(0, 99))
def test_logsumexp_agrees_with_the_reference_however_views_lie(case, dtype, seed):
    check_emulated_case(case, dtype, seed)


@pytest.mark.parametrize("axis", [1, 2, 3])
@pytest.mark.parametrize("slack", [0, 2])
def test_logsumexp_of_a_slice_of_a_map_along_any_axis(axis, slack):
    bench = Bench()
    shape = (2, 19, 4, 5)
    x = bench.activation(shape, slack=slack)
    y = bench.dense(tuple(1 if a == axis else n for a, n in enumerate(shape)))
    value = 30 * np.random.default_rng(0).standard_normal(shape)
    value[0, 3, 1, 2] = np.nan
    check_emulated_step(bench.plan(ops.LogSumExp(axis), [x], [y]), {x: value})


def test_rows_of_a_thousand_classes_are_shared_by_the_threads_of_a_block():
    bench = Bench()
    x, y = bench.dense((3, 1000)), bench.dense((3, 1))
    value = 30 * np.random.default_rng(0).standard_normal(x.shape)
    executor = check_emulated_step(bench.plan(ops.LogSumExp(1), [x], [y]), {x: value})
    (launch,) = executor.launches[0]
    assert launch.block > 32
    assert executor.machine.conflicts == 0


def test_a_row_of_minus_infinity_answers_minus_infinity():
    value = 30 * np.random.default_rng(0).standard_normal((3, 100))
    value[1] = -np.inf
    check_emulated_case(Case("row", ops.LogSumExp(1), (value,)), "float32", None)
