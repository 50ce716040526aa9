"""What the formulas of the rows do not say: ties, edges, sizes in words, and what is far away."""

from __future__ import annotations

import numpy as np
import pytest
from layer_support import Case, Lone, run_layer

from netspec.layers import interpolation
from netspec.layers.channel_norm import ChannelNorm
from netspec.layers.convolution import Convolution
from netspec.layers.correlation import Correlation
from netspec.layers.end_point_error import EndPointError
from netspec.layers.interp import Interp
from netspec.layers.pooling import Pooling
from netspec.layers.resample import Resample
from netspec.layers.warp import Warp
from netspec.spec.layer import ShapeError


def test_of_equal_values_in_a_volume_the_first_slice_then_the_first_row_takes_the_gradient():
    x = np.random.default_rng(0).integers(0, 2, (2, 3, 4, 4, 6)).astype(np.float64)
    lone = Lone(Case(Pooling(kernel_size=(2,), stride=(2,)), [x], lambda p, x: x))
    (value, (gradient,)) = (lone.tops[0], lone.differentiate()[1])
    results = lone.run()
    weights = lone.feeds["weight0"]
    expected = np.zeros_like(x)
    for n, c, i, j, k in np.ndindex(*value.shape):
        window = x[n, c, 2 * i : 2 * i + 2, 2 * j : 2 * j + 2, 2 * k : 2 * k + 2]
        d, h, w = np.unravel_index(window.argmax(), window.shape)
        expected[n, c, 2 * i + d, 2 * j + h, 2 * k + w] += weights[n, c, i, j, k]
    np.testing.assert_array_equal(results[gradient], expected)


@pytest.mark.parametrize("dimensions", [1, 3])
def test_padding_is_never_the_largest_and_counts_in_averages(dimensions):
    x = -np.ones((1, 2, *(3,) * dimensions))
    window = {"kernel_size": (3,), "pad": (1,), "stride": (2,)}
    (largest,) = run_layer(Pooling(pool="MAX", **window), x)
    (average,) = run_layer(Pooling(pool="AVE", **window), x)
    np.testing.assert_array_equal(largest, -1)
    # each window of three reaches one place into the padding along every axis
    np.testing.assert_allclose(average, -((2 / 3) ** dimensions), rtol=1e-12)


@pytest.mark.parametrize("fill", ["ZERO", "NOT_A_NUMBER"])
def test_a_warp_fills_what_lies_beyond_the_map_and_where_the_flow_is_not_a_number(fill):
    x = np.arange(12.0).reshape(1, 1, 3, 4)
    flow = np.zeros((1, 2, 3, 4))
    flow[0, 0, 0] = [-0.5, 0, 1.5, 1]
    flow[0, 1, 1] = [-1.25, np.nan, np.inf, 1.75]
    (y,) = run_layer(Warp(fill_value=fill), x, flow)
    out = 0.0 if fill == "ZERO" else np.nan
    # the third place of the first row is 3.5: behind the last pixel but in the map
    np.testing.assert_array_equal(y[0, 0], [[out, 1, 3, out], [out, out, out, 11], [8, 9, 10, 11]])


def test_a_zero_vector_has_length_and_gradient_zero():
    lone = Lone(Case(ChannelNorm(), [np.zeros((1, 3, 2, 2))], lambda p, x: x))
    _, (gradient,) = lone.differentiate()
    results = lone.run()
    assert (results[lone.tops[0]] == 0).all()
    assert (results[gradient] == 0).all()


def test_the_error_of_a_flow_is_the_mean_length_of_its_errors():
    flow = np.zeros((1, 2, 1, 2))
    flow[0, :, 0, 1] = 3, 4
    assert run_layer(EndPointError(), flow, np.zeros_like(flow)) == [2.5]


def test_the_middle_displacement_of_a_correlation_is_none():
    a = np.random.default_rng(0).normal(size=(2, 5, 6, 7))
    (y,) = run_layer(Correlation(max_displacement=2, pad=2), a, a)
    assert y.shape == (2, 25, 6, 7)
    np.testing.assert_allclose(y[:, 12], (a * a).mean(1), rtol=1e-12)
    # one pixel down: what lies below, and nothing below the last row
    np.testing.assert_allclose(y[:, 17, :-1], (a[:, :, :-1] * a[:, :, 1:]).mean(1), rtol=1e-12)
    assert (y[:, 17, -1] == 0).all()


@pytest.mark.parametrize("kind", ["LINEAR", "CUBIC", "AREA", "NEAREST"])
def test_a_constant_stays_constant_and_the_same_size_stays_the_same(kind):
    x = np.random.default_rng(0).normal(size=(1, 2, 5, 7))
    (y,) = run_layer(Resample(resample_type=kind, height=5, width=7), x)
    np.testing.assert_allclose(y, x, rtol=1e-12)
    (y,) = run_layer(Resample(resample_type=kind, height=3, width=11), np.full((1, 2, 5, 7), 3.0))
    np.testing.assert_allclose(y, 3, rtol=1e-12)


def test_aligned_corners_keep_the_corners():
    x = np.random.default_rng(0).normal(size=(1, 1, 4, 5))
    (y,) = run_layer(Interp(zoom_factor=3), x)
    assert y.shape == (1, 1, 10, 13)
    # every third pixel is one of x: weights of 1 and 0 but for the last bits of the places
    np.testing.assert_allclose(y[:, :, ::3, ::3], x, rtol=1e-12)


def test_matrices_weigh_what_the_keys_of_each_filter_say():
    at = np.array([-0.25, 0.5, 1.75])
    np.testing.assert_array_equal(interpolation.linear(at, 2), [[1, 0], [0.5, 0.5], [0, 1]])
    np.testing.assert_array_equal(interpolation.linear(at, 2, outside="exclude"), [[1, 0], [0.5, 0.5], [0, 1]])
    np.testing.assert_array_equal(interpolation.nearest(at, 2), [[1, 0], [0, 1], [0, 1]])
    # Keys 1981 at a half: -1/16, 9/16, 9/16, -1/16
    np.testing.assert_allclose(interpolation.cubic(np.array([1.5]), 4), [[-1 / 16, 9 / 16, 9 / 16, -1 / 16]])
    np.testing.assert_allclose(interpolation.area(2, 3), [[2 / 3, 1 / 3, 0], [0, 1 / 3, 2 / 3]])
    np.testing.assert_array_equal(interpolation.aligned(1, 5), [0])


@pytest.mark.parametrize(
    ("layer", "shape", "message"),
    [
        (Convolution(num_output=1, kernel_size=(2, 2)), (1, 1, 9), "kernel_size has 2 values, N x C x L has 1 axis"),
        (Convolution(num_output=1, kernel_h=2, kernel_w=2), (1, 1, 9, 9, 9), "kernel_h is for N x C x H x W"),
        (Convolution(num_output=1, kernel_size=(9,)), (1, 1, 7), "the output would have -1 positions"),
        (Convolution(num_output=1, kernel_size=(3,), dilation=(4, 1, 1)), (1, 1, 7, 9, 9), "-1 slices: (7 - 9 + 0)/1"),
        (Convolution(num_output=1, kernel_size=(2,)), (1, 1), "Convolution works on N x C x H x W"),
        (Pooling(kernel_size=(1,), stride=(3,)), (1, 1, 5, 9, 9), "the map has 5 slices"),
        (Pooling(kernel_size=(2,), stride=(3,), round="exact"), (1, 1, 9), "the last 1 of 9 positions is never seen"),
    ],
)
def test_messages_name_the_axis_that_does_not_fit(layer, shape, message):
    with pytest.raises(ShapeError) as refused:
        layer.shapes(shape)
    assert message in refused.value.message


def test_a_list_for_three_axes_is_compared_side_by_side():
    assert not list(Pooling(kernel_size=(1, 3, 3), pad=(0, 1, 1)).problems())
    (problem,) = Pooling(kernel_size=(1, 3, 3), pad=(1, 1, 1)).problems()
    assert (problem.field, problem.message[:36]) == ("pad", "pad 1 is not below the kernel 1: a w")


@pytest.mark.parametrize(
    "fields",
    [
        {"kernel_size": (1, 1, 3), "pad_h": 5},
        {"kernel_h": 3, "kernel_w": 3, "pad": (3, 2, 0)},
        {"kernel_size": (4, 3, 4, 3), "pad_h": 7},
        {"kernel_size": (2, 2, 2, 2)},
    ],
)
def test_lists_that_fit_no_map_wait_for_the_shape_of_the_bottom(fields):
    pooling = Pooling(**fields)
    # a pad and a kernel of different maps are not compared
    assert "E424" not in {problem.code for problem in pooling.problems()}
    with pytest.raises(ShapeError) as refused:
        pooling.shapes((1, 1, 9, 9))
    assert refused.value.code == "E512"
