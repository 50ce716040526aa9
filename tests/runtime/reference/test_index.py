"""Gather, scatter_add, top_k, patches and unpatch against loops, element by element."""

from __future__ import annotations

import math
from functools import cmp_to_key

import numpy as np
import pytest
from hypothesis import given, settings
from primitive_cases import Case, fixed, strategy

from runtime import ops

PRIMS = (ops.Gather, ops.ScatterAdd, ops.TopK, ops.Patches, ops.Unpatch)


def moved_rows(case: Case) -> np.ndarray:
    """Gather and ScatterAdd, one row at a time."""
    source, index = (a.reshape((1, *a.shape)) if case.operands[1].ndim == 1 else a for a in case.operands)
    gathers = isinstance(case.prim, ops.Gather)
    size = source.shape[1] if gathers else case.prim.size
    made = np.zeros((len(source), index.shape[1] if gathers else size, source.shape[2]), source.dtype)
    for lead, m in np.ndindex(*index.shape):
        row = int(index[lead, m])
        if 0 <= row < size:
            if gathers:
                made[lead, m] = source[lead, row]
            else:
                made[lead, row] += source[lead, m]
    return made[0] if case.operands[1].ndim == 1 else made


def ranked(case: Case) -> tuple[np.ndarray, np.ndarray]:
    """TopK by Python's sort and a comparison of pairs."""

    def compare(a: tuple[float, int], b: tuple[float, int]) -> int:
        if math.isnan(a[0]) != math.isnan(b[0]):
            return -1 if math.isnan(a[0]) else 1
        if a[0] > b[0] or b[0] > a[0]:
            return -1 if a[0] > b[0] else 1
        return a[1] - b[1]

    count = case.prim.count
    rows = [sorted(zip(row, range(len(row)), strict=True), key=cmp_to_key(compare))[:count] for row in case.operands[0]]
    return np.array([[v for v, _ in row] for row in rows]), np.array([[k for _, k in row] for row in rows])


def patched(case: Case) -> np.ndarray:
    """Patches and Unpatch, one number at a time."""
    prim, (x,) = case.prim, case.operands
    forward = isinstance(prim, ops.Patches)
    (r, s), inside = prim.kernel, x.shape[2:] if forward else prim.size
    out = prim.size if forward else x.shape[2:]
    channels = x.shape[1] if forward else x.shape[1] // (r * s)
    made = np.zeros((len(x), channels * r * s, *out) if forward else (len(x), channels, *inside))
    for c, i, j, tap in np.ndindex(channels, *out, r * s):
        h = i * prim.stride[0] - prim.pad[0] + tap // s * prim.dilation[0]
        w = j * prim.stride[1] - prim.pad[1] + tap % s * prim.dilation[1]
        if 0 <= h < inside[0] and 0 <= w < inside[1]:
            if forward:
                made[:, c * r * s + tap, i, j] = x[:, c, h, w]
            else:
                made[:, c, h, w] += x[:, c * r * s + tap, i, j]
    return made


def check(case: Case) -> None:
    found = case.expected()
    if isinstance(case.prim, ops.TopK):
        for want, got in zip(ranked(case), found, strict=True):
            np.testing.assert_array_equal(want, got)
        return
    made = moved_rows(case) if isinstance(case.prim, ops.Gather | ops.ScatterAdd) else patched(case)
    # sums of the same few terms, perhaps in another order
    np.testing.assert_allclose(found[0], made, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("case", fixed(*PRIMS), ids=str)
def test_the_reference_does_what_the_loops_do(case):
    check(case)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(case=strategy(*PRIMS))
def test_the_reference_does_what_the_loops_do_over_generated_shapes(case):
    check(case)
