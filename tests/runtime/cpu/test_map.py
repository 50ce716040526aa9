from __future__ import annotations

import numpy as np
import pytest
from cpu_cases import ORIGIN, check_case, dense, executor_of
from hypothesis import given, settings
from hypothesis import strategies as st
from kernel_cases import Bench
from primitive_cases import fixed, map_case, strategy

from runtime import ops
from runtime.cpu.isa import detect
from runtime.cpu.launch import Context, Launch
from runtime.expr import arg, call, const
from runtime.plan import Step, View
from runtime.vector.kernel import Address

WIDE = ("exp", "log", "sin", "tanh", "sigmoid", "pow", "floor", "dropout", "noise", "ramp", "logic", "u8_operand")
"""Formulas whose float64 kernels differ in more than their lanes; random plans run the rest in float64."""

RELU = call("where", call("gt", arg(0), const(0.0)), arg(0), call("mul", const(0.25), arg(0)))


@pytest.mark.parametrize("case", fixed(ops.Map), ids=str)
def test_map_agrees_with_the_reference(case):
    check_case(case, "float32", None)


@pytest.mark.parametrize("case", [c for c in fixed(ops.Map) if str(c).split("-")[0] in WIDE], ids=str)
def test_map_in_float64_agrees_with_the_reference(case):
    check_case(case, "float64", None)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(case=strategy(ops.Map), dtype=st.sampled_from(["float32", "float64"]), seed=st.integers(0, 99))
def test_map_agrees_with_the_reference_however_views_lie(case, dtype, seed):
    check_case(case, dtype, seed, (1, 3))


def test_a_large_map_is_cut_into_chunks_that_any_thread_may_do():
    case = map_case("relu", 5, (3, 70001), ((3, 70001), (), ()))
    check_case(case, "float32", None)


def test_constants_are_arguments_so_that_equal_structures_share_a_kernel():
    context = Context(detect())
    texts = set()
    for slope, shape in ((0.25, (4, 5, 6, 7)), (0.5, (100,)), (-1.0, (3, 20))):
        tree = call("where", call("gt", arg(0), const(0.0)), arg(0), call("mul", const(slope), arg(0)))
        step = Step(ops.Map((tree,), shape), (dense(shape, "f32"),), (dense(shape, "f32", 4096),), "forward", ORIGIN)
        (launch,) = context.launches(step)
        texts.add(launch.kernel.text)
    assert len(texts) == 1


def test_chunks_depend_on_shapes_alone():
    shape = (64, 3000)
    step = Step(ops.Map((RELU,), shape), (dense(shape, "f32"),), (dense(shape, "f32", 1 << 20),), "forward", ORIGIN)
    (launch,) = Context(detect()).launches(step)
    assert launch.chunks == executor_of((step,), 1 << 21, 3).launches[0][0].chunks
    assert launch.chunks > 8


def test_a_map_works_in_place():
    shape = (5, 333)
    view = dense(shape, "f32", 512)
    executor = executor_of((Step(ops.Map((RELU,), shape), (view,), (view,), "forward", ORIGIN),), 8192)
    x = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    executor.array(view)[...] = x
    executor.run("forward")
    np.testing.assert_array_equal(np.where(x > 0, x, np.float32(0.25) * x), executor.array(view))


def test_results_that_nobody_reads_are_not_computed():
    shape = (40,)
    view, out = dense(shape, "f32", 512), dense(shape, "f32", 1024)
    step = Step(ops.Map((RELU, call("log", arg(0))), shape), (view,), (out, None), "forward", ORIGIN)
    (launch,) = Context(detect()).launches(step)
    assert "log(" not in launch.kernel.text
    nothing = Step(ops.Map((RELU,), shape), (view,), (None,), "forward", ORIGIN)
    assert Context(detect()).launches(nothing) == []


def test_an_empty_map_makes_no_launch():
    shape = (0, 5)
    step = Step(ops.Map((RELU,), shape), (dense(shape, "f32"),), (dense(shape, "f32"),), "forward", ORIGIN)
    assert Context(detect()).launches(step) == []


@pytest.mark.parametrize("halo", [(0, 0), (1, 2)])
@pytest.mark.parametrize("slack", [0, 5])
def test_an_epilogue_does_its_rows_alone(halo, slack):
    bench = Bench()
    shape = (3, 21, 4, 5)
    x, y = bench.activation(shape, (1, 1), 3), bench.activation(shape, halo, slack)
    bias = bench.dense((1, 21, 1, 1))
    tree = call("add", RELU, arg(1))
    step = Step(ops.Map((tree,), shape), (x, bias), (y,), "forward", ORIGIN)
    launch = Context(detect()).rows_launch(step)
    executor = executor_of((step,), bench.size)
    rng = np.random.default_rng(1)
    values, biases = rng.standard_normal(shape).astype(np.float32), rng.standard_normal((1, 21, 1, 1))
    executor.array(x)[...], executor.array(bias)[...], executor.array(y)[...] = values, biases, 7
    # chunk k of a launch is row k of an epilogue: rows 0 to 8 of 12 as one launch's chunks
    executor.launches = [[Launch(launch.kernel, launch.args, 9, True)]]
    executor._bind()
    executor.run("forward")
    want = np.full(shape, 7, np.float32)
    full = (np.where(values > 0, values, np.float32(0.25) * values) + biases).astype(np.float32)
    for row in range(9):
        want[row // 4, :, row % 4] = full[row // 4, :, row % 4]
    # the kernel rounds slope * x + bias once
    np.testing.assert_allclose(executor.array(y), want, rtol=1e-5, atol=1e-6)


def test_an_epilogue_of_a_matrix_counts_its_rows():
    shape = (6, 40)
    x, y = dense(shape, "f32", 512), dense(shape, "f32", 4096)
    step = Step(ops.Map((RELU,), shape), (x,), (y,), "forward", ORIGIN)
    launch = Context(detect()).rows_launch(step)
    assert launch.args[1] == 1
    assert Address("arena", 4096) in launch.args


def test_powers_become_products_and_roots():
    shape = (9,)
    for exponent, function in ((2.0, None), (-0.75, "sqrt"), (0.5, "sqrt"), (3.0, None), (1.3, "power")):
        tree = call("pow", arg(0), const(exponent))
        step = Step(ops.Map((tree,), shape), (dense(shape, "f32"),), (dense(shape, "f32", 512),), "forward", ORIGIN)
        text = Context(detect()).launches(step)[0].kernel.text.split("def kernel")[1]
        assert ("power(" in text) == (function == "power"), exponent
        assert ("sqrt(" in text) == (function == "sqrt"), exponent


def test_a_bool_of_a_float_is_whether_it_is_not_zero():
    shape = (5,)
    x, y = dense(shape, "f32", 512), View("arena", 1024, shape, (1,), "b1")
    executor = executor_of((Step(ops.Map((arg(0),), shape), (x,), (y,), "forward", ORIGIN),), 2048)
    executor.array(x)[...] = [0, 0.5, -2, 0, 1]
    executor.run("forward")
    assert executor.array(y).tolist() == [False, True, True, False, True]


def test_a_formula_has_the_same_bits_wherever_it_is_fused():
    shape = (2000,)
    views = [dense(shape, "f32", 512 + 16384 * k) for k in range(5)]
    x, y, z, product, total = views
    inner = call("mul", arg(0), arg(1))
    apart = (
        Step(ops.Map((inner,), shape), (x, y), (product,), "forward", ORIGIN),
        Step(ops.Map((call("add", arg(0), arg(1)),), shape), (product, z), (total,), "forward", ORIGIN),
    )
    fused = Step(ops.Map((call("add", inner, arg(2)),), shape), (x, y, z), (total,), "forward", ORIGIN)
    found = []
    for steps in (apart, (fused,)):
        executor = executor_of(steps, 1 << 17)
        rng = np.random.default_rng(0)
        for view in (x, y, z):
            executor.array(view)[...] = rng.standard_normal(shape)
        executor.run("forward")
        found.append(executor.array(total).tobytes())
    # with multiply and add contracted to one rounding a third of them differ
    assert found[0] == found[1]
