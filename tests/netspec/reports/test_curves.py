"""Scales, ticks, gaps and thinning of curves."""

from __future__ import annotations

import math
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netspec.reports.curves import (
    BOTTOM,
    HEIGHT,
    LEFT,
    MOST_POINTS,
    RIGHT,
    TOP,
    WIDTH,
    Series,
    chart,
    number,
    round_ticks,
    thinned,
)  # fmt: skip

NAN, INF = math.nan, math.inf


def drawn(values, **fields):
    return chart("title", [Series("s", list(enumerate(values)))], **fields)


def coordinates(path: str) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in re.findall(r"[ML]([-\d.e+]+) ([-\d.e+]+)", path)]


def texts(ticks) -> list[str]:
    return [tick.text for tick in ticks]


def test_axes_have_round_numbers():
    found = chart("t", [Series("s", [(0, 0.02), (600, 0.97)])])
    assert texts(found.x_ticks) == ["0", "100", "200", "300", "400", "500", "600"]
    assert texts(found.y_ticks) == ["0", "0.2", "0.4", "0.6", "0.8", "1"]
    assert (found.x_ticks[0].at, found.x_ticks[-1].at) == (LEFT, WIDTH - RIGHT)


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0, 1, [0, 0.2, 0.4, 0.6, 0.8, 1.0]),
        (-3, 7, [-2, 0, 2, 4, 6]),
        (0.901, 0.949, [0.91, 0.92, 0.93, 0.94]),
        (0, 52000, [0, 10000, 20000, 30000, 40000, 50000]),
    ],
)
def test_ticks_are_multiples_of_one_two_or_five(low, high, expected):
    assert round_ticks(low, high, 5) == expected


def test_large_numbers_on_an_axis_are_short():
    assert texts(chart("t", [Series("s", [(0, 1.0), (8000, 25e4)])]).x_ticks) == [
        "0",
        "2,000",
        "4,000",
        "6,000",
        "8,000",
    ]
    assert texts(drawn([0.0, 250_000.0]).y_ticks) == ["0", "50k", "100k", "150k", "200k", "250k"]
    assert texts(drawn([0.0, 2.1e6]).y_ticks) == ["0", "500k", "1M", "1.5M", "2M"]


def test_more_than_two_decades_are_logarithmic_where_that_is_allowed():
    assert drawn([1.0, 0.001], may_be_log=True).log
    assert texts(drawn([1.0, 0.001], may_be_log=True).y_ticks) == ["0.001", "0.01", "0.1", "1"]
    assert not drawn([1.0, 0.001]).log
    assert not drawn([1.0, 0.02], may_be_log=True).log
    assert not drawn([1.0, 0.0, 0.001], may_be_log=True).log


def test_values_that_are_not_finite_are_gaps():
    (line,) = drawn([1.0, 2.0, NAN, 3.0, 4.0, INF, 2.0]).lines
    pieces = [piece.count("L") + 1 for piece in line.path.split("M")[1:]]
    assert pieces == [2, 2, 2]  # the last one is a dot: a line to itself
    assert len(line.dots) == 5
    assert "not finite 2 times." in drawn([1.0, NAN, INF]).description
    assert drawn([1.0, NAN]).lines[0].last == "nan"


def test_nothing_finite_is_no_chart():
    assert drawn([NAN, INF]) is None
    assert drawn([]) is None


def test_a_single_point_and_a_constant_have_room_around_them():
    for found in (drawn([0.0]), drawn([5.0, 5.0]), drawn([1e300]), drawn([-1e300, 1e300])):
        assert len(found.y_ticks) > 1
        assert all(TOP <= y <= HEIGHT - BOTTOM for _, y in coordinates(found.lines[0].path))


def test_a_long_curve_is_thinned_and_keeps_spikes_and_gaps():
    points = [(k, math.sin(k / 900)) for k in range(50_000)]
    points[12_345], points[30_000] = (12_345, 40.0), (30_000, NAN)
    kept = thinned(points)
    assert len(kept) <= MOST_POINTS + 2
    assert {(12_345, 40.0), points[0], points[-1]} <= set(kept)
    assert any(math.isnan(y) for _, y in kept)
    assert list(kept) == sorted(kept, key=lambda point: point[0])
    assert thinned(points[:100]) == points[:100]


def test_few_points_are_marked_and_faint_curves_lie_below():
    found = chart("t", [Series("bold", [(0, 1.0), (1, 2.0)]), Series("thin", [(0, 1.0), (1, 3.0)], faint=True)])
    assert [(line.name, line.colour, len(line.dots)) for line in found.lines] == [("thin", "cf", 0), ("bold", "c0", 2)]
    assert found.lines[1].dots[0][2] == "bold, iteration 0: 1"


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.98765, "0.9877"), (12345.0, "12,345"), (0.0, "0"), (1e-7, "1e-07"), (NAN, "nan"), (-2.5, "-2.5")],
)
def test_numbers_have_four_digits(value, text):
    assert number(value) == text


@settings(deadline=None, max_examples=200)
@given(
    st.lists(st.tuples(st.integers(0, 10**15), st.floats(allow_subnormal=True)), max_size=30, unique_by=lambda p: p[0]),
    st.booleans(),
)
def test_any_numbers_lie_within_the_axes(points, may_be_log):
    found = chart("t", [Series("s", sorted(points))], may_be_log)
    if found is None:
        assert not any(abs(y) <= 1e300 for _, y in points)
        return
    for x, y in coordinates(found.lines[0].path):
        assert LEFT - 0.1 <= x <= WIDTH - RIGHT + 0.1
        assert TOP - 0.1 <= y <= HEIGHT - BOTTOM + 0.1
    assert len(found.x_ticks) <= 14
    assert len(found.y_ticks) <= 14
