from __future__ import annotations

import numpy as np
import pytest
from emulated_cases import check_emulated_case, check_emulated_step
from hypothesis import given, settings
from hypothesis import strategies as st
from kernel_cases import GENERATED, ORIGIN, Bench, run_poisoned, run_reference
from primitive_cases import fixed

from runtime import ops
from runtime.cuda.emulator.executor import EmulatedExecutor
from runtime.cuda.launch import Context
from runtime.executor import Store
from runtime.expr import arg, call, const
from runtime.plan import Step


@st.composite
def pools(draw):
    axes = []
    for _ in range(2):
        kernel, stride = draw(st.integers(1, 4)), draw(st.integers(1, 4))
        pad = min(draw(st.integers(0, 3)), kernel - 1)
        inside = draw(st.integers(max(1, kernel - 2 * pad), 9))
        pooled = (inside + 2 * pad - kernel) // stride + 1
        if draw(st.booleans()) and pooled * stride - pad < inside:
            pooled += 1
        axes.append((kernel, stride, pad, pooled, inside))
    kernel, stride, pad, size, inside = zip(*axes, strict=True)
    mode = draw(st.sampled_from(["max", "ave"]))
    n, c = draw(st.sampled_from([1, 2])), draw(st.sampled_from([1, 3, 4, 8, 10]))
    layout = draw(st.sampled_from([0, 3, 4])), draw(st.sampled_from(["f32", "f32", "f64"]))
    return ops.Pool(mode, kernel, stride, pad, size), (n, c, *inside), layout


@settings(GENERATED, max_examples=40)
@given(pools(), st.booleans())
def test_pool_and_its_gradient_agree_with_the_reference(drawn, with_nan):
    prim, shape, (slack, dtype) = drawn
    bench = Bench(dtype)
    x, y = bench.activation(shape, slack=slack), bench.activation((*shape[:2], *prim.size), slack=slack)
    index = bench.activation(y.shape, dtype="u8")
    rng = np.random.default_rng(sum(shape))
    value = rng.integers(-3, 4, shape).astype(np.float64)  # few values: many ties
    if with_nan:
        value[rng.random(shape) < 0.2] = np.nan
    is_max = prim.mode == "max"
    plan = bench.plan(prim, [x], [y, index] if is_max else [y])
    check_emulated_step(plan, {x: value})
    operands = {y: rng.standard_normal(y.shape)}
    if is_max:
        operands[index] = run_reference(plan, {x: value})[index]
    back = ops.Unpool(prim.mode, prim.kernel, prim.stride, prim.pad, shape[2:])
    check_emulated_step(bench.plan(back, list(operands), [x]), operands)


SMALL = [case for case in fixed(ops.Pool, ops.Unpool) if max(np.size(y) for y in case.expected()) < 2000]
"""What the emulator is done with in a moment."""


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("case", SMALL, ids=str)
def test_pool_and_unpool_agree_however_views_lie(case, dtype):
    check_emulated_case(case, dtype, 7)


def _pooled(plan, value):
    """Results of a pooling in the emulator, values that no difference compares included."""
    executor = EmulatedExecutor(plan, Store({}))
    return run_poisoned(executor, plan, {plan.steps[0].reads[0]: value})


def test_the_first_of_equal_elements_wins_and_a_nan_wins_over_numbers():
    bench = Bench()
    x, y = bench.activation((1, 2, 1, 4)), bench.activation((1, 2, 1, 1))
    index = bench.activation(y.shape, dtype="u8")
    value = np.array([[[[1.0, 7.0, 7.0, 0.0]], [[9.0, np.nan, 10.0, np.nan]]]])
    found = _pooled(bench.plan(ops.Pool("max", (1, 4), (1, 1), (0, 0), (1, 1)), [x], [y, index]), value)
    assert [1, 1] == found[index].ravel().tolist()
    assert found[y][0, 0, 0, 0] == 7.0
    assert np.isnan(found[y][0, 1, 0, 0])


def test_windows_of_minus_infinity_name_their_first_element():
    bench = Bench()
    x, y = bench.activation((1, 4, 5, 5)), bench.activation((1, 4, 3, 3))
    index = bench.activation(y.shape, dtype="u8")
    plan = bench.plan(ops.Pool("max", (3, 3), (2, 2), (1, 1), (3, 3)), [x], [y, index])
    lowest = np.full(x.shape, -np.inf)
    found, expected = _pooled(plan, lowest), run_reference(plan, {x: lowest})
    for view in (y, index):
        np.testing.assert_array_equal(expected[view], found[view])


def test_large_windows_have_indices_of_32_bits():
    bench = Bench()
    window, stride = (1, 260), (1, 260)
    prim = ops.Pool("max", window, stride, (0, 0), (1, 2))
    x, y = bench.activation((1, 4, 1, 520)), bench.activation((1, 4, 1, 2))
    index = bench.activation(y.shape, dtype="i32")
    value = np.random.default_rng(0).standard_normal(x.shape)
    plan = bench.plan(prim, [x], [y, index])
    check_emulated_step(plan, {x: value})
    gradient = {y: np.ones(y.shape), index: run_reference(plan, {x: value})[index]}
    assert gradient[index].max() > 255
    check_emulated_step(bench.plan(ops.Unpool("max", window, stride, (0, 0), (1, 520)), [y, index], [x]), gradient)


def test_whole_vectors_of_channels_are_loaded_where_they_fit():
    for slack, lanes in ((0, 4), (4, 4), (2, 2), (1, 1)):
        bench = Bench()
        x, y = bench.activation((1, 8, 4, 4), slack=slack), bench.activation((1, 8, 2, 2))
        plan = bench.plan(ops.Pool("ave", (2, 2), (2, 2), (0, 0), (2, 2)), [x], [y])
        (launch,) = Context().launches(plan.steps[0])
        assert f"LANES = {lanes}\n" in launch.kernel.text


def test_a_map_behind_the_gradient_reads_what_it_wrote():
    bench = Bench()
    dy, dx, z = bench.activation((2, 8, 2, 2)), bench.activation((2, 8, 4, 4)), bench.activation((2, 8, 4, 4))
    double = Step(ops.Map((call("mul", arg(0), const(2.0)),), dx.shape), (dx,), (z,), "forward", ORIGIN)
    prim = ops.Unpool("ave", (2, 2), (2, 2), (0, 0), (4, 4))
    value = {dy: np.random.default_rng(0).standard_normal(dy.shape)}
    check_emulated_step(bench.plan(prim, [dy], [dx], epilogue=(double,)), value)
