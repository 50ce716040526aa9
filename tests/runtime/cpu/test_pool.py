from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kernel_cases import GENERATED, Bench, check_step, run_on_cpu

from runtime import ops


@st.composite
def pools(draw):
    axes = []
    for axis in range(2):
        if axis == 0:
            kernel, stride, pad = draw(st.integers(1, 4)), draw(st.integers(1, 4)), draw(st.integers(0, 3))
            pad = min(pad, kernel - 1)
        else:  # each of these is a kernel of its own
            kernel, stride, pad = draw(st.sampled_from([(3, 2, 0), (3, 2, 1), (3, 1, 1), (2, 2, 0), (1, 2, 0)]))
        inside = draw(st.integers(max(1, kernel - 2 * pad), 19))
        pooled = (inside + 2 * pad - kernel) // stride + 1
        if draw(st.booleans()) and pooled * stride - pad < inside:
            pooled += 1
        axes.append((kernel, stride, pad, pooled, inside))
    kernel, stride, pad, size, inside = zip(*axes, strict=True)
    mode = draw(st.sampled_from(["max", "ave"]))
    n, c = draw(st.sampled_from([1, 2, 5])), draw(st.sampled_from([1, 3, 16, 20, 33]))
    layout = (
        draw(st.sampled_from([0, 1])),
        draw(st.sampled_from([0, 3])),
        draw(st.sampled_from(["f32", "f32", "f64"])),
    )
    return ops.Pool(mode, kernel, stride, pad, size), (n, c, *inside), layout


@settings(GENERATED, max_examples=30)
@given(pools(), st.booleans())
def test_pool_and_its_gradient_agree_with_the_reference(drawn, with_nan):
    prim, shape, (halo, slack, dtype) = drawn
    bench = Bench(dtype)
    x = bench.activation(shape, (halo, halo), slack)
    y = bench.activation((*shape[:2], *prim.size), (halo, 0), slack)
    index = bench.activation(y.shape, dtype="u8")
    rng = np.random.default_rng(sum(shape))
    value = rng.integers(-3, 4, shape).astype(np.float64)  # few values: many ties
    if with_nan:
        value[rng.random(shape) < 0.2] = np.nan
    is_max = prim.mode == "max"
    plan = bench.plan(prim, [x], [y, index] if is_max else [y])
    check_step(plan, {x: value}, (1, 2))
    gradient = rng.standard_normal(y.shape)
    back = ops.Unpool(prim.mode, prim.kernel, prim.stride, prim.pad, shape[2:])
    operands = {y: gradient}
    if is_max:
        operands[index] = run_on_cpu(plan, {x: value}, 1)[index]
    check_step(bench.plan(back, list(operands), [x]), operands, (1, 2))


@pytest.mark.parametrize("mode", ["max", "ave"])
def test_pool_has_the_same_bits_on_one_to_four_threads(mode):
    bench = Bench()
    prim = ops.Pool(mode, (3, 3), (2, 2), (0, 0), (8, 8))
    x, y = bench.activation((20, 20, 16, 16)), bench.activation((20, 20, 8, 8))
    value = np.random.default_rng(0).standard_normal(x.shape)
    check_step(bench.plan(prim, [x], [y, None][: 2 if mode == "max" else 1]), {x: value})


@pytest.mark.parametrize(
    ("kernel", "stride", "pad", "inside"),
    [(3, 2, 0, 27), (3, 1, 1, 14), (2, 2, 0, 24), (3, 2, 1, 9), (7, 1, 0, 7), (2, 3, 0, 20)],
)
@pytest.mark.parametrize("mode", ["max", "ave"])
@pytest.mark.parametrize("isa", [None, "avx2"])
def test_blocks_of_pixels_and_their_borders_agree_with_the_reference(mode, kernel, stride, pad, inside, isa):
    bench = Bench()
    pooled = -(-(inside + 2 * pad - kernel) // stride) + 1  # Caffe rounds up: the last window may be cut
    prim = ops.Pool(mode, (kernel, kernel), (stride, stride), (pad, pad), (pooled, pooled))
    x, y = bench.activation((2, 20, inside, inside)), bench.activation((2, 20, pooled, pooled), slack=3)
    index = bench.activation(y.shape, dtype="u8")
    value = np.random.default_rng(0).integers(-3, 4, x.shape).astype(np.float64)
    plan = bench.plan(prim, [x], [y, index] if mode == "max" else [y])
    check_step(plan, {x: value}, (1, 2), isa)
    operands = {y: np.random.default_rng(1).standard_normal(y.shape)}
    if mode == "max":
        operands[index] = run_on_cpu(plan, {x: value}, 1)[index]
    back = ops.Unpool(mode, prim.kernel, prim.stride, prim.pad, (inside, inside))
    check_step(bench.plan(back, list(operands), [x]), operands, (1, 2), isa)


def test_large_windows_have_indices_of_32_bits():
    bench = Bench()
    prim = ops.Pool("max", (17, 17), (1, 1), (0, 0), (3, 3))
    x, y = bench.activation((1, 5, 19, 19)), bench.activation((1, 5, 3, 3))
    index = bench.activation(y.shape, dtype="i32")
    value = np.random.default_rng(0).standard_normal(x.shape)
    plan = bench.plan(prim, [x], [y, index])
    check_step(plan, {x: value})
    gradient = {y: np.ones(y.shape), index: run_on_cpu(plan, {x: value}, 1)[index]}
    check_step(bench.plan(ops.Unpool("max", (17, 17), (1, 1), (0, 0), (19, 19)), [y, index], [x]), gradient)


def test_the_first_of_equal_elements_wins_and_a_nan_wins_over_numbers():
    bench = Bench()
    x, y = bench.activation((1, 2, 1, 4)), bench.activation((1, 2, 1, 1))
    index = bench.activation(y.shape, dtype="u8")
    value = np.array([[[[1.0, 7.0, 7.0, 0.0]], [[9.0, np.nan, 10.0, np.nan]]]])
    plan = bench.plan(ops.Pool("max", (1, 4), (1, 1), (0, 0), (1, 1)), [x], [y, index])
    results = run_on_cpu(plan, {x: value}, 1)
    assert [1, 1] == results[index].ravel().tolist()
    assert results[y][0, 0, 0, 0] == 7.0
    assert np.isnan(results[y][0, 1, 0, 0])


def test_average_pooling_counts_padding_as_caffe_does():
    bench = Bench()
    x, y = bench.activation((1, 1, 3, 3)), bench.activation((1, 1, 2, 2))
    plan = bench.plan(ops.Pool("ave", (3, 3), (2, 2), (1, 1), (2, 2)), [x], [y])
    result = run_on_cpu(plan, {x: np.full(x.shape, 9.0)}, 1)[y]
    # every 3 x 3 window holds four pixels and five of padding
    np.testing.assert_array_equal([[4.0, 4.0], [4.0, 4.0]], result[0, 0])
    assert all(a == b for a, b in pairwise(result.ravel()))
