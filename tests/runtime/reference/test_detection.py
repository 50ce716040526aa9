"""Pooling of regions and suppression of boxes against loops."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from primitive_cases import fixed, strategy
from region_cases import pooled_by_loops, suppressed_by_loops

from runtime import ops_detection as ops

drawn = settings(max_examples=40, deadline=None, derandomize=True)


def check_pool(case):
    y, index = case.expected()
    wanted, places = pooled_by_loops(case.prim, *case.operands)
    np.testing.assert_array_equal(y, wanted)
    np.testing.assert_array_equal(index, places)


@pytest.mark.parametrize("case", fixed(ops.RoiPool), ids=str)
def test_roi_pool_is_what_caffes_loops_compute(case):
    check_pool(case)


@drawn
@given(case=strategy(ops.RoiPool))
def test_roi_pool_is_what_caffes_loops_compute_over_generated_shapes(case):
    check_pool(case)


def check_nms(case):
    index, count = case.expected()
    wanted = suppressed_by_loops(case.prim, *case.operands)
    assert [row[:n].tolist() for row, n in zip(index, count, strict=True)] == wanted
    assert all((row[n:] == -1).all() for row, n in zip(index, count, strict=True))


@pytest.mark.parametrize("case", fixed(ops.Nms), ids=str)
def test_nms_is_what_striking_out_leaves(case):
    check_nms(case)


@drawn
@given(case=strategy(ops.Nms))
def test_nms_is_what_striking_out_leaves_over_generated_boxes(case):
    check_nms(case)
