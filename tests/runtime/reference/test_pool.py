"""Pooling against loops over windows, written as Caffe's source is."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from primitive_cases import Case, fixed, strategy

from runtime import ops
from runtime.reference import Context, evaluate


def windows(prim: ops.Pool | ops.Unpool, inside: tuple[int, int], pooled: tuple[int, int]):
    """(p, q), divisor and clipped bounds of each window."""
    for p in range(pooled[0]):
        for q in range(pooled[1]):
            top, left = p * prim.stride[0] - prim.pad[0], q * prim.stride[1] - prim.pad[1]
            bottom = min(top + prim.kernel[0], inside[0] + prim.pad[0])
            right = min(left + prim.kernel[1], inside[1] + prim.pad[1])
            size = (bottom - top) * (right - left)
            bounds = max(top, 0), min(bottom, inside[0]), max(left, 0), min(right, inside[1])
            yield (p, q), size, (top, left), bounds


def pooled_by_loops(prim: ops.Pool, x: np.ndarray) -> list[np.ndarray]:
    y, index = np.zeros((*x.shape[:2], *prim.size)), np.zeros((*x.shape[:2], *prim.size), np.int64)
    for (p, q), size, (top, left), (h0, h1, w0, w1) in windows(prim, x.shape[2:], prim.size):
        for n, c in np.ndindex(*x.shape[:2]):
            window = x[n, c, h0:h1, w0:w1]
            if prim.mode == "ave":
                y[n, c, p, q] = window.sum() / size
                continue
            flat = window.ravel()
            best = int(np.flatnonzero(np.isnan(flat))[0]) if np.isnan(flat).any() else int(flat.argmax())
            h, w = divmod(best, w1 - w0)
            y[n, c, p, q] = flat[best]
            index[n, c, p, q] = (h0 + h - top) * prim.kernel[1] + (w0 + w - left)
    return [y, index] if prim.mode == "max" else [y]


def unpooled_by_loops(prim: ops.Unpool, dy: np.ndarray, index: np.ndarray | None) -> np.ndarray:
    dx = np.zeros((*dy.shape[:2], *prim.size))
    for (p, q), size, (top, left), (h0, h1, w0, w1) in windows(prim, prim.size, dy.shape[2:]):
        for n, c in np.ndindex(*dy.shape[:2]):
            if index is None:
                dx[n, c, h0:h1, w0:w1] += dy[n, c, p, q] / size
            else:
                r, s = divmod(int(index[n, c, p, q]), prim.kernel[1])
                dx[n, c, top + r, left + s] += dy[n, c, p, q]
    return dx


def check(case: Case) -> None:
    if isinstance(case.prim, ops.Pool):
        expected = pooled_by_loops(case.prim, *case.operands)
    else:
        dy, *index = case.operands
        expected = [unpooled_by_loops(case.prim, dy, index[0] if index else None)]
    actual = case.expected()
    assert len(expected) == len(actual)
    for e, a in zip(expected, actual, strict=True):
        assert e.shape == a.shape
        # Sums of up to 289 numbers below 500 in another order; maxima and indices are exact.
        tolerance = 0.0 if isinstance(case.prim, ops.Pool) and case.prim.mode == "max" else 1e-10
        assert np.allclose(e, a, rtol=0, atol=tolerance, equal_nan=True)


@pytest.mark.parametrize("case", fixed(ops.Pool, ops.Unpool), ids=str)
def test_pooling_agrees_with_loops(case):
    check(case)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(case=strategy(ops.Pool, ops.Unpool))
def test_pooling_agrees_with_loops_over_generated_shapes(case):
    check(case)


def test_the_pooling_of_the_lectures():
    x = np.array([[1, 1, 2, 4], [5, 6, 7, 8], [3, 2, 1, 0], [1, 2, 3, 4]], float).reshape(1, 1, 4, 4)
    y, index = evaluate(ops.Pool("max", (2, 2), (2, 2), (0, 0), (2, 2)), Context(), [x])
    assert [[6, 8], [3, 4]] == y[0, 0].tolist()
    assert [[3, 3], [0, 3]] == index[0, 0].tolist()
    assert np.uint8 == index.dtype
