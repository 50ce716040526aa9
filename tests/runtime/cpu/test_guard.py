from __future__ import annotations

import numpy as np
import pytest
from cpu_cases import ORIGIN, dense, executor_of

from runtime import ops
from runtime.expr import arg, call, const
from runtime.plan import Step

ADD_ONE = ops.Map((call("add", arg(0), const(1.0)),), (3,))


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize(("value", "status"), [(1.5, 0), (0.0, 0), (np.nan, 1), (np.inf, 1), (-np.inf, 1)])
@pytest.mark.parametrize("dtype", ["f32", "f64"])
def test_a_guard_stops_the_walk_before_the_next_step(dtype, value, status, threads):
    loss, state = dense((), dtype, 512), dense((3,), dtype, 1024)
    steps = (
        Step(ADD_ONE, (state,), (state,), "forward", ORIGIN),
        Step(ops.Guard(), (loss,), (), "guard", ORIGIN),
        Step(ADD_ONE, (state,), (state,), "update", ORIGIN),
        Step(ADD_ONE, (state,), (state,), "commit", ORIGIN),
    )
    executor = executor_of(steps, 2048, threads, dtype)
    executor.array(loss)[...] = value
    assert executor.run("forward", "guard", "update", "commit") == status
    assert executor.array(state).tolist() == [1.0 if status else 3.0] * 3
    assert executor.run("update") == 0, "the next walk starts anew"


def test_a_guard_refuses_what_is_no_scalar():
    view = dense((3, 5), "f32")
    with pytest.raises(ValueError, match="wants a scalar"):
        executor_of((Step(ops.Guard(), (type(view)("arena", 0, (3, 5), (9, 1), "f32"),), (), "guard", ORIGIN),), 512)
