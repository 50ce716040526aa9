from __future__ import annotations

import numpy as np
import pytest
from emulated_cases import check_emulated_case, check_emulated_step
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from kernel_cases import GENERATED, Bench, random_values
from primitive_cases import fixed, strategy

from runtime import ops
from runtime.cuda import matmul
from runtime.cuda.launch import Context
from runtime.plan import Origin, Step, View


def size(case):
    """Multiply-adds, about: the emulator does some ten thousand a second."""
    return sum(a.size for a in case.operands)


CASES = sorted(fixed(ops.Matmul), key=size)


@pytest.mark.parametrize("case", CASES[: len(CASES) // 2], ids=str)
def test_small_products_agree_with_the_reference(case):
    check_emulated_case(case, "float32", None)


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES[len(CASES) // 2 :], ids=str)
def test_products_agree_with_the_reference(case):
    check_emulated_case(case, "float32", None)


@pytest.mark.slow
@settings(GENERATED, max_examples=20, suppress_health_check=[HealthCheck.too_slow])
@given(case=strategy(ops.Matmul), dtype=st.sampled_from(["float32", "float64"]), seed=st.integers(0, 99))
def test_products_agree_over_generated_shapes_and_layouts(case, dtype, seed):
    check_emulated_case(case, dtype, seed)


def test_a_nan_stays_in_its_row():
    bench = Bench()
    a, b, c = bench.dense((5, 7)), bench.dense((7, 6)), bench.dense((5, 6))
    rng = np.random.default_rng(0)
    values = {v: random_values(rng, v) for v in (a, b)}
    values[a][2, 3] = np.nan
    check_emulated_step(bench.plan(ops.Matmul(), [a, b], [c]), values)


def test_a_result_that_lies_column_by_column_is_the_transposed_product():
    bench = Bench()
    a, b, c = bench.dense((8, 12)), bench.dense((12, 4)), bench.dense((8, 4), (1, 0))
    found = matmul.product(ops.Matmul(), a, b, c)
    assert found.size == (4, 8, 12)
    rng = np.random.default_rng(0)
    check_emulated_step(bench.plan(ops.Matmul(), [a, b], [c]), {v: random_values(rng, v) for v in (a, b)})


def test_more_than_two_batch_axes_are_refused():
    view = View("arena", 0, (2, 2, 2, 4, 4), (64, 32, 16, 4, 1), "f32")
    step = Step(ops.Matmul(), (view, view), (view,), "forward", (Origin("layer", "forward"),))
    with pytest.raises(NotImplementedError, match="at most two batch axes"):
        matmul.matmul(step, Context())
