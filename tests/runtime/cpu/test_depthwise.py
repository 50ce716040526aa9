from __future__ import annotations

import numpy as np
import pytest
from conv_cases import ConvShape
from conv_checks import check_conv, check_input_grad, check_weight_grad
from hypothesis import given, settings
from hypothesis import strategies as st
from kernel_cases import GENERATED, ORIGIN, Bench, check_step, random_values

from runtime import ops
from runtime.expr import arg, call, const
from runtime.plan import Step


@st.composite
def depthwise_shapes(draw: st.DrawFn) -> ConvShape:
    """Maps up to 23 columns: blocks of pixels, blocks that overlap, and maps too narrow for one."""
    window = draw(st.sampled_from([((3, 3), (1, 1)), ((3, 3), (2, 2)), ((2, 3), (3, 1))]))
    (kernel, stride), dilation = window, draw(st.sampled_from([(1, 1), (1, 1), (2, 2)]))
    pad = draw(st.integers(0, 2)), draw(st.integers(0, 1))
    reach = [d * (k - 1) + 1 for d, k in zip(dilation, kernel, strict=True)]
    size = tuple(draw(st.integers(max(1, reach[a] - 2 * pad[a]), most)) for a, most in ((0, 12), (1, 23)))
    channels = draw(st.sampled_from([2, 15, 16, 20, 33]))
    slack, margin = draw(st.sampled_from([0, 3])), draw(st.sampled_from([0, 1]))
    n, dtype = draw(st.sampled_from([1, 2, 5])), draw(st.sampled_from(["f32", "f32", "f32", "f64"]))
    outputs = channels * draw(st.sampled_from([1, 1, 1, 2, 4]))
    return ConvShape(n, channels, outputs, size, kernel, stride, pad, dilation, channels, slack, margin, dtype)


def square(n: int, channels: int, size: int, kernel: int, stride: int, times: int = 1) -> ConvShape:
    """A square depthwise convolution that keeps the map's size up to its stride."""
    half = kernel // 2
    return ConvShape(
        n, channels, times * channels, (size, size), (kernel, kernel), (stride, stride), (half, half), (1, 1), channels
    )


CHOSEN = {
    "stride 1": square(3, 40, 14, 3, 1),
    "stride 2": square(3, 40, 15, 3, 2),
    "stride beyond the window": square(2, 20, 17, 1, 3),
    "wide window": square(2, 20, 16, 7, 1),
    "window beyond the registers": square(1, 5, 30, 19, 1),
    "two outputs a channel": square(2, 33, 15, 3, 1, 2),
    "four outputs a channel": square(2, 9, 15, 3, 2, 4),
    "one row": ConvShape(1, 600, 600, (1, 9), (1, 3), (1, 1), (0, 1), (1, 1), 600),
}


@settings(GENERATED, max_examples=20)
@given(depthwise_shapes())
def test_depthwise_convolution_agrees_with_the_reference(shape):
    check_conv(shape)


@settings(GENERATED, max_examples=20)
@given(depthwise_shapes())
def test_the_input_gradient_agrees_with_the_reference(shape):
    check_input_grad(shape)


@settings(GENERATED, max_examples=20)
@given(depthwise_shapes())
def test_the_weight_gradient_agrees_with_the_reference(shape):
    check_weight_grad(shape)


@pytest.mark.parametrize("name", CHOSEN)
def test_the_bits_are_the_same_on_one_to_four_threads(name):
    for check in (check_conv, check_input_grad, check_weight_grad):
        check(CHOSEN[name], threads=(1, 2, 3, 4))


@pytest.mark.parametrize("name", ["stride 1", "stride 2", "stride beyond the window"])
def test_the_tail_runs_once_on_every_row(name):
    check_conv(CHOSEN[name], epilogue=True)
    check_input_grad(CHOSEN[name], epilogue=True)


@pytest.mark.parametrize("stride", [1, 2])
def test_the_input_gradient_is_summed_up_in_its_tail(stride):
    shape, bench = square(3, 40, 15, 3, stride), Bench()
    op = ops.ConvInputGrad(shape.stride, shape.pad, shape.dilation, shape.groups, shape.size)
    dy = bench.activation((shape.n, shape.k, *shape.out), ops.conv_input_grad_halo(op, shape.kernel, shape.out))
    w, dx = bench.dense(shape.weights), bench.activation((shape.n, shape.c, *shape.size))
    half, total = call("mul", arg(0), const(0.5)), bench.dense((1, shape.c, 1, 1))
    after = (
        Step(ops.Map((half,), dx.shape), (dx,), (dx,), "forward", ORIGIN),
        Step(ops.Reduce("sum", (arg(0),), (0, 2, 3), dx.shape), (dx,), (total,), "forward", ORIGIN),
    )
    rng = np.random.default_rng(0)
    check_step(bench.plan(op, [dy, w], [dx], after), {v: random_values(rng, v) for v in (dy, w)})


@pytest.mark.parametrize("isa", ["avx2", "generic"])
@pytest.mark.parametrize("name", ["stride 1", "stride 2", "two outputs a channel", "four outputs a channel"])
def test_narrower_vectors_serve(name, isa):
    for check in (check_conv, check_input_grad, check_weight_grad):
        check(CHOSEN[name], threads=(1,), isa=isa)


def test_values_that_are_not_finite_stay_where_they_are():
    shape, bench = square(1, 20, 14, 3, 1), Bench()
    x, w = bench.activation((1, 20, 14, 14), (1, 1)), bench.dense(shape.weights)
    y = bench.activation((1, 20, 14, 14))
    rng = np.random.default_rng(0)
    value = rng.standard_normal(x.shape)
    value[0, 3, 6, 7] = np.nan
    op = ops.Conv((1, 1), (1, 1), (1, 1), 20)
    check_step(bench.plan(op, [x, w], [y]), {x: value, w: rng.standard_normal(w.shape)})
