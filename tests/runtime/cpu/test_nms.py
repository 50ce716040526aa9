from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from cpu_cases import check_case
from hypothesis import given, settings
from hypothesis import strategies as st
from kernel_cases import Bench, check_step, run_on_cpu
from primitive_cases import fixed, strategy
from region_cases import boxes_of

from runtime import ops_detection as ops


def rounded(case):
    """The case with operands that float32 holds: both sides then decide in float64 over the same numbers."""
    return replace(case, operands=tuple(a.astype(np.float32).astype(np.float64) for a in case.operands))


def check(case, dtype, isa=None):
    bench = Bench(dtype)
    reads = [bench.dense(a.shape) for a in case.operands]
    writes = [replace(bench.dense(a.shape), dtype="i32") for a in case.expected()]
    check_step(bench.plan(case.prim, reads, writes), dict(zip(reads, case.operands, strict=True)), isa=isa)


@pytest.mark.parametrize("dtype", ["f32", "f64"])
@pytest.mark.parametrize("case", [rounded(c) for c in fixed(ops.Nms)], ids=str)
def test_nms_keeps_what_the_reference_keeps(case, dtype):
    check(case, dtype)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(case=strategy(ops.Nms).map(rounded), dtype=st.sampled_from(["float32", "float64"]), seed=st.integers(0, 99))
def test_nms_keeps_what_the_reference_keeps_however_views_lie(case, dtype, seed):
    # smooth: the reference decides in float64, as the kernel does
    check_case(replace(case, smooth=True), dtype, seed, (1, 3))


@pytest.mark.parametrize("isa", ["avx2", "generic"])
def test_every_instruction_set_keeps_the_same_boxes(isa):
    check(rounded(fixed(ops.Nms)[0]), "f32", isa)


@pytest.mark.parametrize("absent", [0, 1])
def test_a_result_that_nobody_wants_is_not_written(absent):
    case = rounded(fixed(ops.Nms)[0])
    bench = Bench()
    reads = [bench.dense(a.shape) for a in case.operands]
    wanted = replace(bench.dense(case.expected()[1 - absent].shape), dtype="i32")
    plan = bench.plan(case.prim, reads, [None, wanted] if absent == 0 else [wanted, None])
    found = run_on_cpu(plan, dict(zip(reads, case.operands, strict=True)), 1)
    np.testing.assert_array_equal(case.expected()[1 - absent], found[wanted])


def test_a_thousand_boxes_are_taken_in_the_order_of_their_scores():
    boxes, scores = boxes_of(1, 1, 1000)
    boxes += 30.0 * np.arange(1000)[:, None]  # far apart: all are kept
    case = rounded(replace(fixed(ops.Nms)[0], prim=ops.Nms(0.5, 1000), operands=(boxes, scores)))
    bench = Bench()
    reads = [bench.dense(a.shape) for a in case.operands]
    index, count = (replace(bench.dense(shape), dtype="i32") for shape in ((1, 1000), (1,)))
    found = run_on_cpu(bench.plan(case.prim, reads, [index, count]), dict(zip(reads, case.operands, strict=True)), 1)
    assert found[count].tolist() == [1000]
    np.testing.assert_array_equal(np.argsort(-case.operands[1][0], kind="stable"), found[index][0])
