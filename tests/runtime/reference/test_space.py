"""Correlation and sampling against loops, written from their papers."""

from __future__ import annotations

from math import ceil, floor, isfinite

import numpy as np
import pytest
from hypothesis import given, settings
from primitive_cases import Case, fixed, strategy

from runtime.ops_space import Correlation, CorrelationGrad, Sample, SampleGrad


def pixel(x: np.ndarray, row: int, column: int) -> np.ndarray:
    """The channels of a pixel, zeros outside."""
    inside = 0 <= row < x.shape[1] and 0 <= column < x.shape[2]
    return x[:, row, column] if inside else np.zeros(len(x))


def correlated(prim: Correlation, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    y = np.zeros((len(a), prim.count[0] * prim.count[1], *prim.size))
    for n, i, j, p, q in np.ndindex(len(a), *prim.size, *prim.count):
        row, column = prim.start[0] + prim.stride * i, prim.start[1] + prim.stride * j
        here = pixel(a[n], row, column)
        there = pixel(b[n], row + prim.first[0] + prim.step * p, column + prim.first[1] + prim.step * q)
        pairs = here * there if prim.mode == "multiply" else np.abs(here - there)
        y[n, p * prim.count[1] + q, i, j] = pairs.mean()
    return y


def sampled(x: np.ndarray, places: np.ndarray) -> np.ndarray:
    y = np.zeros((*x.shape[:2], *places.shape[2:]))
    for n, i, j in np.ndindex(len(x), *places.shape[2:]):
        column, row = places[n, :, i, j]
        if not (isfinite(column) and isfinite(row)):
            continue
        for r in {floor(row), ceil(row)}:
            for c in {floor(column), ceil(column)}:
                y[n, :, i, j] += (1 - abs(row - r)) * (1 - abs(column - c)) * pixel(x[n], r, c)
    return y


@settings(max_examples=40, deadline=None, derandomize=True)
@given(case=strategy(Correlation))
def test_correlation_is_the_mean_over_channels_pixel_by_pixel(case):
    # float64 on both sides, sums of up to 70 numbers of size 1
    np.testing.assert_allclose(case.expected()[0], correlated(case.prim, *case.operands), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("case", [c for c in fixed(Sample) if c.prim.order == (0, 0)], ids=str)
def test_samples_are_the_weighted_pixels_around(case):
    np.testing.assert_allclose(case.expected()[0], sampled(*case.operands), rtol=1e-12, atol=1e-12)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(case=strategy(SampleGrad))
def test_the_gradient_of_samples_is_their_adjoint(case):
    dy, places = case.operands
    x = np.random.default_rng(3).normal(size=(*dy.shape[:2], *case.prim.size))
    (y,) = Case("sample", Sample(case.prim.order), (x, places)).expected()
    # <y, dy> = <x, dx>: some hundred products of size 1 in another order
    assert (y * dy).sum() == pytest.approx((x * case.expected()[0]).sum(), rel=1e-11, abs=1e-11)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(case=strategy(CorrelationGrad))
def test_the_gradient_of_correlations_of_products_is_their_adjoint(case):
    prim = case.prim
    if prim.mode != "multiply":
        return
    dy, other = case.operands
    own = np.random.default_rng(3).normal(size=other.shape)
    size = (dy.shape[2], dy.shape[3])
    forward = Correlation(prim.mode, prim.stride, prim.start, prim.first, prim.step, prim.count, size)
    pair = (own, other) if prim.side == "a" else (other, own)
    y = correlated(forward, *pair)
    assert (y * dy).sum() == pytest.approx((own * case.expected()[0]).sum(), rel=1e-11, abs=1e-11)
