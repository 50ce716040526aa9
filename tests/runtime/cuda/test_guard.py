from __future__ import annotations

import numpy as np
import pytest
from cpu_cases import ORIGIN, dense

from runtime import ops
from runtime.cuda.emulator.executor import EmulatedExecutor
from runtime.cuda.launch import Context
from runtime.executor import Store
from runtime.plan import Plan, Step, View


@pytest.mark.parametrize(("value", "status"), [(1.5, 0), (0.0, 0), (np.nan, 1), (np.inf, 1), (-np.inf, 1)])
@pytest.mark.parametrize("dtype", ["f32", "f64"])
@pytest.mark.parametrize("count", [1, 70])
def test_a_guard_tells_by_the_status_word_whether_all_is_finite(count, dtype, value, status):
    loss = dense((count,), dtype, 512)
    plan = Plan("train", dtype, 1, (Step(ops.Guard(), (loss,), (), "guard", ORIGIN),), {"arena": 2048}, (), {}, {})
    executor = EmulatedExecutor(plan, Store({}))
    executor.array(loss)[...] = 1
    executor.array(loss)[count - 1] = value
    assert executor.run("guard") == status
    executor.array(loss)[...] = 1
    assert executor.run("guard") == 0, "the next walk starts anew"


def test_a_guard_refuses_what_is_no_scalar():
    step = Step(ops.Guard(), (View("arena", 0, (3, 5), (9, 1), "f32"),), (), "guard", ORIGIN)
    with pytest.raises(ValueError, match="wants a scalar"):
        Context().launches(step)
