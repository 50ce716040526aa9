from __future__ import annotations

import numpy as np
import pytest
from cpu_cases import check_case
from hypothesis import given, settings
from hypothesis import strategies as st
from kernel_cases import GENERATED
from primitive_cases import Case, fixed, strategy

from runtime import ops
from runtime.cpu.portable import CpuSite
from runtime.portable.gather import worth_cutting


@pytest.mark.parametrize("case", fixed(ops.Gather, ops.ScatterAdd), ids=str)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_kernels_agree_with_the_reference(case, dtype):
    check_case(case, dtype, None)


@settings(GENERATED, max_examples=30)
@given(
    case=strategy(ops.Gather, ops.ScatterAdd), dtype=st.sampled_from(["float32", "float64"]), seed=st.integers(0, 99)
)
def test_kernels_agree_over_generated_shapes_and_layouts(case, dtype, seed):
    check_case(case, dtype, seed, (1, 3))


def test_tables_are_cut_where_it_pays():
    def ranges(leads, entries, count, width):
        return CpuSite.parts(None, leads, entries, worth_cutting(entries, count, width))

    # an embedding's gradient, a map's elements, many small tables
    assert ranges(1, 5000, 1600, 256) == 16
    assert ranges(1, 100_000, 25_000, 1) == 4
    assert ranges(64, 100_000, 25_000, 1) == 1
    assert ranges(1, 10, 20, 1) == 1


def test_rows_are_added_in_their_order():
    # 1 is lost beside 2^24 in float32, but not after it is gone
    rows, number = np.array([[2.0**24], [-(2.0**24)], [1.0], [2.0**24]]), np.zeros(4, np.int32)
    for order, total in (([0, 1, 2], 1.0), ([0, 2, 1], 0.0)):
        case = Case("order", ops.ScatterAdd(1), (rows[order], number[:3]), smooth=False)
        assert case.expected("float32")[0][0, 0] == total
        check_case(case, "float32", None)
