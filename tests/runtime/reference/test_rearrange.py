"""Movements of elements, place by place."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from primitive_cases import MOVES, Case, fixed, strategy

from runtime import ops


def moved_by_loops(case: Case) -> np.ndarray:
    """The result, one element at a time."""
    prim, x = case.prim, case.operands[0]
    if isinstance(prim, ops.Reshape):
        return np.array([x.flat[i] for i in range(x.size)]).reshape(prim.shape)
    if isinstance(prim, ops.Concat):
        rows = [np.moveaxis(a, prim.axis, 0) for a in case.operands]
        return np.moveaxis(np.array([row for part in rows for row in part]), 0, prim.axis)
    if isinstance(prim, ops.Transpose):
        y = np.zeros([x.shape[a] for a in prim.order])
        for place in np.ndindex(*y.shape):
            source = [0] * x.ndim
            for position, axis in zip(place, prim.order, strict=True):
                source[axis] = position
            y[place] = x[tuple(source)]
        return y
    shift = [0] * x.ndim
    shape = list(x.shape)
    if isinstance(prim, ops.Slice):
        shift[prim.axis], shape[prim.axis] = prim.start, prim.stop - prim.start
    else:
        shift = [-lo for lo, _ in prim.widths]
        shape = [n + lo + hi for n, (lo, hi) in zip(x.shape, prim.widths, strict=True)]
    y = np.zeros(shape)
    for place in np.ndindex(*shape):
        source = tuple(p + s for p, s in zip(place, shift, strict=True))
        if all(0 <= p < n for p, n in zip(source, x.shape, strict=True)):
            y[place] = x[source]
    return y


@pytest.mark.parametrize("case", fixed(*MOVES), ids=str)
def test_elements_end_where_the_definition_says(case):
    assert np.array_equal(moved_by_loops(case), case.expected()[0])


@settings(max_examples=100, deadline=None, derandomize=True)
@given(case=strategy(*MOVES))
def test_elements_end_where_the_definition_says_over_generated_shapes(case):
    (y,) = case.expected()
    assert np.array_equal(moved_by_loops(case), y)
    assert y.base is None or not np.shares_memory(y, case.operands[0])
