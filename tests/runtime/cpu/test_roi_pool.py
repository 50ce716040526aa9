from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kernel_cases import GENERATED, Bench, check_step, maps_of, run_on_cpu
from primitive_cases import fixed, strategy

from runtime import ops_detection as ops


@pytest.mark.parametrize("dtype", ["f32", "f64"])
@pytest.mark.parametrize("case", fixed(ops.RoiPool, ops.RoiUnpool), ids=str)
def test_roi_pool_and_its_gradient_agree_with_the_reference(case, dtype):
    check_step(*maps_of(case, dtype))


@settings(GENERATED, max_examples=25)
@given(
    case=strategy(ops.RoiPool), dtype=st.sampled_from(["f32", "f64"]), halo=st.integers(0, 1), slack=st.integers(0, 3)
)
def test_roi_pool_agrees_with_the_reference_however_maps_lie(case, dtype, halo, slack):
    check_step(*maps_of(case, dtype, halo, slack), (1, 3))


@pytest.mark.parametrize("isa", ["avx2", "generic"])
def test_every_instruction_set_pools_alike(isa):
    for case in (fixed(ops.RoiPool)[2], fixed(ops.RoiUnpool)[2]):
        check_step(*maps_of(case, "f32"), (1, 2), isa)


@pytest.mark.parametrize("absent", [0, 1])
def test_a_result_that_nobody_wants_is_not_written(absent):
    plan, values = maps_of(fixed(ops.RoiPool)[0], "f32")
    step = plan.steps[0]
    wanted = step.writes[1 - absent]
    writes = [None if k == absent else v for k, v in enumerate(step.writes)]
    bench = Bench()
    bench.size = plan.memory["arena"]
    alone = run_on_cpu(bench.plan(step.op, list(step.reads), writes), values, 1)
    np.testing.assert_array_equal(alone[wanted], run_on_cpu(plan, values, 1)[wanted])
