from __future__ import annotations

import numpy as np
import pytest
from cpu_cases import ORIGIN, dense
from emulated_cases import check_emulated_case, check_emulated_step
from hypothesis import given, settings
from hypothesis import strategies as st
from kernel_cases import GENERATED, Bench
from primitive_cases import fixed, reduce_case, strategy

from runtime import ops
from runtime.cuda.emulator.executor import EmulatedExecutor
from runtime.executor import Store
from runtime.expr import arg, call, const
from runtime.plan import Plan, Step


@pytest.mark.parametrize("case", fixed(ops.Reduce), ids=str)
def test_reduce_agrees_with_the_reference(case):
    check_emulated_case(case, "float32", None)


@pytest.mark.parametrize("case", fixed(ops.Reduce)[::6], ids=str)
def test_reduce_in_float64_agrees_with_the_reference(case):
    check_emulated_case(case, "float64", None)


@settings(GENERATED, max_examples=25)
@given(case=strategy(ops.Reduce), dtype=st.sampled_from(["float32", "float64"]), seed=st.integers(0, 99))
def test_reduce_agrees_with_the_reference_however_views_lie(case, dtype, seed):
    check_emulated_case(case, dtype, seed)


@pytest.mark.parametrize("op", ["sum", "max"])
@pytest.mark.parametrize(
    ("shape", "axes"), [((1501,), (0,)), ((700, 5), (0,)), ((6, 900), (1,)), ((3, 600), (0, 1)), ((9, 400), (0,))]
)
@pytest.mark.usefixtures("many_segments")
def test_segments_are_merged_in_a_fixed_order(op, shape, axes):
    case = reduce_case(op, "difference_and_square", 1, axes, shape, (shape, shape[-1:], ()))
    check_emulated_case(case, "float32", None)


@pytest.mark.parametrize("channels", [8, 37, 96])
@pytest.mark.parametrize("slack", [0, 3, 4])
@pytest.mark.usefixtures("many_segments")
def test_channels_of_a_slice_of_a_map_are_summed(channels, slack):
    bench = Bench()
    shape = (2, channels, 5, 7)
    x, dy = bench.activation(shape, slack=slack), bench.activation(shape, slack=2 * slack)
    total, product = bench.dense((1, channels, 1, 1)), bench.dense((1, channels, 1, 1))
    op = ops.Reduce("sum", (arg(1), call("mul", arg(0), arg(1))), (0, 2, 3), shape)
    rng = np.random.default_rng(0)
    executor = check_emulated_step(
        bench.plan(op, [x, dy], [total, product]), {v: rng.standard_normal(v.shape) for v in (x, dy)}
    )
    assert len(executor.launches[0]) == 2
    assert executor.machine.conflicts == 0


def test_more_results_than_a_thread_has_room_for_are_reduced_in_several_launches():
    bench = Bench()
    x = bench.dense((3, 40))
    outs = [bench.dense((3, 1)) for _ in range(11)]
    op = ops.Reduce("sum", tuple(call("mul", arg(0), const(float(k))) for k in range(11)), (1,), (3, 40))
    check_emulated_step(bench.plan(op, [x], outs), {x: np.random.default_rng(0).standard_normal((3, 40))})


def test_a_result_that_nobody_reads_is_left_out():
    bench = Bench()
    x, y = bench.dense((3, 40)), bench.dense((3, 1))
    op = ops.Reduce("max", (arg(0), call("neg", arg(0))), (1,), (3, 40))
    check_emulated_step(bench.plan(op, [x], [None, y]), {x: np.random.default_rng(0).standard_normal((3, 40))})


def test_of_nothing_the_sum_is_0_and_the_largest_is_minus_infinity():
    for op, want in (("sum", 0.0), ("max", -np.inf)):
        x, y = dense((3, 0), "f32", 512), dense((3, 1), "f32", 1024)
        step = Step(ops.Reduce(op, (arg(0),), (1,), (3, 0)), (x,), (y,), "forward", ORIGIN)
        executor = EmulatedExecutor(Plan("train", "f32", 1, (step,), {"arena": 2048}, (), {}, {}), Store({}))
        executor.run("forward")
        np.testing.assert_array_equal(executor.array(y), np.full((3, 1), want, np.float32))
