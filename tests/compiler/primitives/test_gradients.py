"""Every primitive's gradient by centred differences, and by duality where it is linear."""

from __future__ import annotations

import numpy as np
import pytest
from gradient_checks import DTYPES, check_case
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from primitive_cases import CONV_KINDS, CONVS, MOVES, PRIMITIVES, Case, fixed, strategy

from compiler.autodiff import gradients
from compiler.builder import Builder
from compiler.interpret import run_graph
from compiler.primitives import rule
from runtime import ops, ops_detection

SMOOTH = [c for c in fixed() if c.smooth]
# Deviations 1000 times smaller than the mean lose as many digits in the differences, not in the gradient.
STEEP = ("moments-4x3x9x9-over-023-1000",)
LINEAR = (*CONV_KINDS, ops.Unpool, ops.Window, ops.Gather, ops.ScatterAdd, ops.Patches, ops.Unpatch, *MOVES)


def has_gradient(case: Case) -> bool:
    floats = any(a.dtype == np.float64 for a in case.operands)
    results = any(r.dtype == "float" for r in getattr(case.prim, "results", ())) or not hasattr(case.prim, "results")
    return floats and results


@pytest.mark.parametrize("case", [c for c in SMOOTH if has_gradient(c)], ids=str)
def test_gradients_agree_with_centred_differences(case):
    check_case(case, 1e-5 if case.name in STEEP else 1e-7)


@pytest.mark.parametrize(
    "prim", [p for p in PRIMITIVES if not rule(object.__new__(p)).no_gradient], ids=lambda p: p.__name__
)
def test_gradients_agree_over_generated_shapes(prim):
    @settings(max_examples=30, deadline=None, derandomize=True)
    @given(case=strategy(prim))
    def check(case):
        assume(case.smooth and has_gradient(case))
        check_case(case)

    check()


@pytest.mark.parametrize("case", [c for c in SMOOTH if isinstance(c.prim, LINEAR)], ids=str)
def test_linear_primitives_are_dual_to_their_gradients(case):
    """<A x, y> = <x, A' y> for the first operand, exact but for rounding."""
    b = Builder(dtype="f64")
    feeds = {f"x{k}": a for k, a in enumerate(case.operands)}
    inputs = [b.input(name, a.shape, DTYPES[str(a.dtype)]) for name, a in feeds.items()]
    (y,) = b.emit(case.prim, *inputs)
    dy = b.input("dy", y.shape)
    grads = gradients(b, None, inputs, seeds={y: dy})
    feeds["dy"] = np.random.default_rng(2).normal(size=y.shape)
    results = run_graph(b.graph, feeds)
    for value, grad in zip(inputs, grads, strict=True):
        if isinstance(case.prim, ops.Concat) or value.dtype != "f64":
            break
        assert grad is not None
        left, right = results[y] * results[dy], results[value] * results[grad]
        # Sums of some thousand products of order 1 in another order.
        assert abs(left.sum() - right.sum()) <= 1e-12 * (np.abs(left).sum() + np.abs(right).sum())


@pytest.mark.parametrize("geometry", CONVS[:8] + CONVS[12:16], ids=str)
def test_convolutions_are_closed_under_differentiation(geometry):
    """The gradient of <g, dx> (dx = conv_input_grad(dy, w)) by dy is conv(g, w), and so on around."""
    for prim in CONV_KINDS:
        case = geometry.case(prim)
        b = Builder(dtype="f64")
        inputs = [b.input(f"x{k}", a.shape) for k, a in enumerate(case.operands)]
        (y,) = b.emit(case.prim, *inputs)
        grads = gradients(b, None, inputs, seeds={y: b.input("g", y.shape)})
        kinds = {type(g.op.prim) for g in grads if g is not None and g.op is not None}
        assert kinds == set(CONV_KINDS) - {prim}


@settings(max_examples=25, deadline=None, derandomize=True)
@given(case=strategy(ops.Pool))
def test_max_pooling_has_a_second_derivative(case):
    """<v, dx(g)> by g: the same elements of v that the first derivative chose."""
    assume(case.smooth and case.prim.mode == "max")
    prim, (array,) = case.prim, case.operands
    b = Builder(dtype="f64")
    x = b.input("x", array.shape)
    y, _ = b.max_pool(x, prim.kernel, prim.stride, prim.pad, prim.size)
    g, v = b.input("g", y.shape), b.input("v", x.shape)
    (dx,) = gradients(b, None, [x], seeds={y: g})
    (dg,) = gradients(b, b.sum(dx * v), [g])
    feeds = {"x": array, "g": np.zeros(y.shape), "v": array}
    results = run_graph(b.graph, feeds)
    # the chosen elements of x itself are y
    assert np.array_equal(results[dg], results[y])


@settings(max_examples=25, deadline=None, derandomize=True)
@given(seed=st.integers(0, 99), shape=st.sampled_from([(3, 4, 5), (1, 9, 1), (6, 2, 2)]))
def test_the_first_of_equal_maxima_takes_the_gradient(seed, shape):
    b = Builder(dtype="f64")
    x = b.input("x", shape)
    (dx,) = gradients(b, b.sum(b.max(x, (1, 2))), [x])
    array = np.random.default_rng(seed).integers(0, 3, shape).astype(float)
    flat = array.reshape(shape[0], -1)
    expected = np.zeros_like(flat)
    expected[np.arange(shape[0]), flat.argmax(1)] = 1
    assert np.array_equal(expected.reshape(shape), run_graph(b.graph, {"x": array})[dx])


def test_suppressed_boxes_have_no_gradient_and_say_why():
    b = Builder(dtype="f64")
    boxes, scores = b.input("boxes", (1, 3, 4)), b.input("scores", (1, 3))
    with b.scope("nms1"):
        index, _ = b.nms(boxes, scores, 0.5, 2)
    # whole numbers pass no gradient on, so that nothing asks for one by accident
    assert gradients(b, b.sum(b.to_float(index)), [scores]) == [None]
    assert rule(index.op.prim).no_gradient.startswith("its results are indices")


@settings(max_examples=25, deadline=None, derandomize=True)
@given(case=strategy(ops_detection.RoiPool))
def test_pooling_of_regions_has_a_second_derivative(case):
    """<v, dx(g)> by g: the same elements of v that the first derivative chose."""
    assume(case.smooth)
    b = Builder(dtype="f64")
    x, rois = (b.input(f"x{k}", a.shape) for k, a in enumerate(case.operands))
    y, _ = b.roi_pool(x, rois, case.prim.size, case.prim.scale)
    g, v = b.input("g", y.shape), b.input("v", x.shape)
    (dx,) = gradients(b, None, [x], seeds={y: g})
    (dg,) = gradients(b, b.sum(dx * v), [g])
    array, regions = case.operands
    results = run_graph(b.graph, {"x0": array, "x1": regions, "g": np.zeros(y.shape), "v": array})
    # the chosen elements of x itself are y
    assert np.array_equal(results[dg], results[y])


def test_differences_have_no_second_derivative_and_say_so():
    b = Builder(dtype="f64")
    x, z = b.input("x", (1, 2, 3, 4)), b.input("z", (1, 2, 3, 4))
    with b.scope("corr"):
        y = b.correlation(x, z, (0, 0), (0, 0), (1, 1), (3, 4), mode="subtract")
    (dx,) = gradients(b, b.sum(y * y), [x])
    with pytest.raises(NotImplementedError, match="corr: correlation of differences: no second derivative"):
        gradients(b, b.sum(dx * dx), [x])
