"""Convolution against scipy's correlation, its gradients against the definition of a transpose."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from primitive_cases import CONVS, ConvGeometry, conv_geometries
from scipy.signal import correlate

from runtime import ops
from runtime.reference import Context, evaluate

EXACT = 1e-12
"""Relative to the largest result: sums of up to some thousand products in another order."""


def direct(g: ConvGeometry, x: np.ndarray, w: np.ndarray) -> np.ndarray:
    """Groups one by one, the kernel with zeros between its elements, strides by picking."""
    padded = np.pad(x, ((0, 0), (0, 0), (g.pad[0],) * 2, (g.pad[1],) * 2))
    wide = np.zeros((*w.shape[:2], g.dilation[0] * (g.r - 1) + 1, g.dilation[1] * (g.s - 1) + 1))
    wide[:, :, :: g.dilation[0], :: g.dilation[1]] = w
    per_in, per_out = g.c // g.groups, g.k // g.groups
    y = np.zeros((g.n, g.k, *g.out))
    for n in range(g.n):
        for k in range(g.k):
            first = k // per_out * per_in
            full = correlate(padded[n, first : first + per_in], wide[k], "valid", "direct")[0]
            y[n, k] = full[:: g.stride[0], :: g.stride[1]]
    return y


def assert_close(expected: np.ndarray, actual: np.ndarray) -> None:
    assert expected.shape == actual.shape
    assert np.abs(expected - actual).max() <= EXACT * max(1.0, np.abs(expected).max())


def check(g: ConvGeometry) -> None:
    case = g.case(ops.Conv)
    x, w = case.operands
    (y,) = case.expected()
    assert_close(direct(g, x, w), y)
    back = g.case(ops.ConvInputGrad)
    (dx,) = back.expected()
    (dw,) = evaluate(g.case(ops.ConvWeightGrad).prim, Context(), (x, back.operands[0]))
    dy = back.operands[0]
    for grad, operand in ((dx, x), (dw, w)):
        assert grad.shape == operand.shape
    scale = np.abs(y * dy).sum() + 1.0
    # The weights of both cases are the same array, so all three inner products are one number.
    assert np.array_equal(w, back.operands[1])
    assert abs((y * dy).sum() - (dx * x).sum()) <= EXACT * scale
    assert abs((y * dy).sum() - (dw * w).sum()) <= EXACT * scale


@pytest.mark.parametrize("geometry", CONVS, ids=str)
def test_convolution_and_its_gradients_agree_with_direct_formulas(geometry):
    check(geometry)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(geometry=conv_geometries())
def test_convolution_and_its_gradients_agree_over_generated_shapes(geometry):
    check(geometry)


@settings(max_examples=20, deadline=None, derandomize=True)
@given(geometry=conv_geometries(), data=st.data())
def test_gradients_are_the_transpose_element_by_element(geometry, data):
    """d y[o] / d x[i] read off one unit vector each."""
    g = geometry
    x, w = g.case(ops.Conv).operands
    o = tuple(data.draw(st.integers(0, n - 1)) for n in (g.n, g.k, *g.out))
    i = tuple(data.draw(st.integers(0, n - 1)) for n in x.shape)
    unit_x, unit_y = np.zeros(x.shape), np.zeros((g.n, g.k, *g.out))
    unit_x[i], unit_y[o] = 1.0, 1.0
    (dx,) = evaluate(g.case(ops.ConvInputGrad).prim, Context(), (unit_y, w))
    assert dx[i] == pytest.approx(direct(g, unit_x, w)[o], abs=1e-14)
    (dw,) = evaluate(g.case(ops.ConvWeightGrad).prim, Context(), (unit_x, unit_y))
    j = tuple(data.draw(st.integers(0, n - 1)) for n in w.shape)
    unit_w = np.zeros(w.shape)
    unit_w[j] = 1.0
    assert dw[j] == pytest.approx(direct(g, unit_x, unit_w)[o], abs=1e-14)


def test_a_convolution_of_the_lectures():
    """32 x 32 x 3 with ten 5 x 5 kernels, pad 2: 32 x 32 x 10."""
    assert (32, 32) == ConvGeometry(h=32, w=32, k=10, r=5, s=5, pad=(2, 2)).out
    (y,) = ConvGeometry(n=1, h=32, w=32, k=10, r=5, s=5, pad=(2, 2)).case(ops.Conv).expected()
    assert (1, 10, 32, 32) == y.shape
