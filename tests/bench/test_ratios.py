"""The benchmark's arithmetic."""

from __future__ import annotations

import math
from statistics import median

import pytest

from bench.ratios import best, difference, differences, geometric_mean, met, ratio

MS = {"netspec": [2.0, 3.0, 2.5], "a": [4.0, 9.0, 9.0], "b": [5.0, 6.0, 5.0]}


def test_the_reference_is_the_best_other_by_the_same_measure():
    assert (best(MS, median), best(MS, min)) == ("b", "a")
    assert ratio(MS, median) == 5.0 / 2.5
    assert ratio(MS, min) == 4.0 / 2.0


def test_without_two_sides_there_is_no_ratio():
    assert ratio({"netspec": [1.0]}) is None
    assert ratio({"a": [1.0]}) is None
    assert ratio({"netspec": [], "a": [1.0]}) is None


def test_a_difference_is_relative_to_the_largest_number():
    assert difference([1.0, 100.0], [1.0, 101.0]) == pytest.approx(1 / 101)
    assert difference([0.0], [0.0]) == 0.0


@pytest.mark.parametrize("own", [[math.nan], [math.inf], [], [1.0, 1.0]])
def test_what_is_not_finite_or_not_as_long_differs_without_end(own):
    assert difference(own, [1.0]) == math.inf


def test_differences_are_to_the_first_other_that_has_values():
    values = {"netspec": [1.0], "b": [2.0], "c": [2.0]}
    assert differences(values, ["netspec", "a", "b", "c"]) == {"netspec": 0.5, "c": 0.0}
    assert differences({"netspec": [1.0]}, ["netspec"]) == {}


def test_the_geometric_mean_of_a_number_and_its_inverse_is_one():
    assert geometric_mean([4.0, 0.25]) == pytest.approx(1.0)
    assert math.isnan(geometric_mean([]))


@pytest.mark.parametrize(
    ("goal", "found", "word"),
    [
        (2.0, (2.0, 3.0), "yes"),
        (2.0, (1.9, 2.1), "partly"),
        (2.0, (1.0, None), "no"),
        (2.0, (None,), ""),
        (None, (3.0,), ""),
    ],
)
def test_a_goal_is_met_when_every_ratio_reaches_it(goal, found, word):
    assert met(goal, found) == word
