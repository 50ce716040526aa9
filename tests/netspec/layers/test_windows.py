"""Sizes of windows against brute force, and the figures of messages."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netspec.layers import windows
from netspec.layers.windows import Axis

axes = st.builds(
    Axis,
    name=st.just("rows"),
    size=st.integers(1, 20),
    kernel=st.integers(1, 7),
    stride=st.integers(1, 5),
    pad=st.integers(0, 4),
    dilation=st.integers(1, 3),
)


def starts(axis: Axis) -> list[int]:
    """First pixels of all windows that lie inside the padded map."""
    last = axis.size + axis.pad - axis.extent
    return list(range(-axis.pad, last + 1, axis.stride))


@given(axes)
def test_floor_counts_the_windows_inside_the_padded_map(axis):
    assert max(0, axis.floor()) == len(starts(axis))


@given(axes)
def test_unseen_counts_the_pixels_behind_the_last_window(axis):
    if axis.span >= 0:
        end = starts(axis)[-1] + axis.extent
        assert axis.unseen(axis.floor()) == len([p for p in range(axis.size) if p >= end])
        assert axis.unseen(axis.ceil()) == 0 or axis.extent < axis.stride


@given(axes)
def test_deconvolution_inverts_convolution(axis):
    out = axis.deconvolved()
    if out >= 1:
        back = Axis("rows", out, axis.kernel, axis.stride, axis.pad, axis.dilation)
        assert back.floor() == axis.size


@given(axes)
def test_pooled_windows_start_on_the_map_or_are_called_empty(axis):
    out = axis.pooled()
    if out >= 1 and axis.pad < axis.extent:
        first = [k * axis.stride - axis.pad for k in range(out)]
        assert axis.empty(out) == any(start >= axis.size for start in first)


def test_formula_has_the_numbers_of_the_lecture():
    assert Axis("columns", 7, 3, 3).formula() == "(7 - 3 + 0)/3 + 1 = 2.33"
    assert Axis("columns", 32, 5, 1, 2).formula() == "(32 - 5 + 4)/1 + 1 = 32"
    assert Axis("columns", 3, 4, 2, 1).inverse_formula() == "2*(3 - 1) + 4 - 2 = 6"


@given(axes)
def test_hints_of_misfits_remove_them(axis):
    if axis.span >= 0 and windows.misfit(axis):
        hint = windows.misfit_hint([axis], lambda a: not windows.misfit(a))
        for part in hint.removesuffix(" fits").split(" or "):
            if part:
                name, number = part.split()
                fields = {"size": axis.size, "kernel": axis.kernel, "stride": axis.stride, "pad": axis.pad}
                changed = Axis("rows", **{**fields, name: int(number)}, dilation=axis.dilation)
                assert not windows.misfit(changed)


@pytest.mark.parametrize(("value", "text"), [(3.0, "3"), (7 / 3, "2.33"), (0.5, "0.5"), (-1.0, "-1"), (100.0, "100")])
def test_numbers_are_short(value, text):
    assert windows.number(value) == text


def test_hints_of_enormous_windows_come_at_once():
    huge = Axis("rows", 7, 3, 10**9)
    assert windows.misfit_hint([huge], lambda a: a.fits) == ""
    assert windows.misfit_hint([Axis("rows", 10**9, 10**9 - 1, 3)], lambda a: a.fits) == "pad 1 or stride 1 fits"
