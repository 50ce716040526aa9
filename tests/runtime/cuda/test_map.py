from __future__ import annotations

import pytest
from emulated_cases import check_emulated_case
from hypothesis import given, settings
from hypothesis import strategies as st
from kernel_cases import GENERATED
from primitive_cases import fixed, strategy

from runtime import ops


@pytest.mark.parametrize("case", fixed(ops.Map), ids=str)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_maps_agree_with_the_reference(case, dtype):
    check_emulated_case(case, dtype, None)


@settings(GENERATED, max_examples=30)
@given(case=strategy(ops.Map), dtype=st.sampled_from(["float32", "float64"]), seed=st.integers(0, 99))
def test_maps_agree_over_generated_shapes_and_layouts(case, dtype, seed):
    check_emulated_case(case, dtype, seed)
