from __future__ import annotations

import primitive_cases
import pytest
from displacement_cases import sample_case
from hypothesis import given, settings
from kernel_cases import GENERATED, check_maps

from runtime.ops_space import Sample, SampleGrad

BOTH = (Sample, SampleGrad)


@pytest.mark.parametrize("dtype", ["f32", "f64"])
@pytest.mark.parametrize("case", primitive_cases.fixed(*BOTH), ids=str)
def test_samples_agree_with_the_reference(case, dtype):
    check_maps(case, dtype, slack=3 if dtype == "f32" else 0)


@settings(GENERATED, max_examples=30)
@given(case=primitive_cases.strategy(*BOTH))
def test_generated_samples_agree_with_the_reference(case):
    check_maps(case, "f32", slack=1, threads=(1, 2))


@pytest.mark.parametrize("isa", ["avx2", "generic"])
@pytest.mark.parametrize("prim", BOTH, ids=lambda p: p.__name__)
def test_narrower_vectors_agree_too(prim, isa):
    check_maps(sample_case(prim, (2, 21, 5, 4), (4, 6), (0, 0)), "f32", isa=isa)
