"""A log as curves and last figures, over its resumes."""

from __future__ import annotations

import math

from netspec.reports.history import History, Part, add, history

START = {"event": "start", "iter": 0, "time": 0.0}


def test_numbers_that_are_not_finite_come_back():
    found = history([START, {"event": "display", "iter": 1, "loss": "nan", "lr": "inf", "smoothed_loss": "-inf"}])
    assert math.isnan(found.losses[1])
    assert (found.rates, found.smoothed) == ({1: math.inf}, {1: -math.inf})


def test_of_lists_and_tables_only_the_last_are_kept():
    tests = [{"event": "test", "iter": n, "outputs": {"each": [n, 1.0], "all": [[n, 2], [3, 4]]}} for n in (5, 6)]
    (found,) = history([START, *tests]).tests.values()
    assert (found.iteration, found.samples, found.curves) == (6, None, {})
    assert (found.lists, found.tables) == ({"each": [6.0, 1.0]}, {"all": [[6.0, 2.0], [3.0, 4.0]]})


def test_a_resume_takes_back_what_came_behind_its_snapshot():
    lines = [START, *({"event": "display", "iter": n, "time": n, "loss": n} for n in (1, 2, 3))]
    found = history(lines)
    add(found, {"event": "start", "iter": 2, "time": 0})
    assert found.losses == {1: 1.0, 2: 2.0}
    add(found, {"event": "end", "iter": 4, "time": 1.5, "reason": "signal", "exit_code": 130})
    assert found.parts == [Part(0, 3, 3.0), Part(2, 4, 1.5, "signal", 130)]
    assert (found.iteration, found.seconds) == (4, 4.5)


def test_a_log_without_a_start_is_a_part_of_its_own():
    found = history([{"event": "display", "iter": 7, "time": 1, "loss": 2}])
    assert (found.parts, found.losses) == ([Part(7, 7, 1.0)], {7: 2.0})
    assert history([]) == History()
