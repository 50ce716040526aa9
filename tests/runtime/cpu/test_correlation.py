from __future__ import annotations

import numpy as np
import primitive_cases
import pytest
from displacement_cases import CORRELATIONS, correlation_case
from hypothesis import given, settings
from kernel_cases import GENERATED, check_maps

from runtime.ops_space import Correlation, CorrelationGrad

BOTH = (Correlation, CorrelationGrad)


@pytest.mark.parametrize("dtype", ["f32", "f64"])
@pytest.mark.parametrize("case", primitive_cases.fixed(*BOTH), ids=str)
def test_correlations_agree_with_the_reference(case, dtype):
    check_maps(case, dtype, slack=3 if dtype == "f32" else 0)


@settings(GENERATED, max_examples=30)
@given(case=primitive_cases.strategy(*BOTH))
def test_generated_correlations_agree_with_the_reference(case):
    check_maps(case, "f32", slack=1, threads=(1, 2))


@pytest.mark.parametrize("isa", ["avx2", "generic"])
@pytest.mark.parametrize("prim", BOTH, ids=lambda p: p.__name__)
def test_narrower_vectors_agree_too(prim, isa):
    shape, fields = CORRELATIONS[2]
    check_maps(correlation_case(prim, shape, "multiply", fields), "f32", isa=isa)


def test_what_is_not_a_number_stays_where_it_is_met():
    case = correlation_case(Correlation, (1, 20, 4, 5), "multiply", {})
    case.operands[1][0, 3, 2, 2] = np.nan
    (y,) = case.expected()
    assert np.isnan(y).sum() == 9
    check_maps(case, "f32")
