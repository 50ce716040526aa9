"""Where the time of a step goes."""

from __future__ import annotations

import pytest

from bench.where import groups, leading

TIMED = [("conv direct", 2.0, 100, 10), ("map", 0.1, 1, 300), ("conv direct", 3.0, 10, 400), ("pool", 0.1, 0, 0)]


def test_steps_of_a_kind_are_summed_and_each_has_its_own_bound():
    conv, *_ = found = groups(TIMED, peak=50.0, bandwidth=100.0)
    assert [group["kind"] for group in found] == ["conv direct", "map", "pool"]
    assert (conv["steps"], conv["s"], conv["flops"], conv["bytes"]) == (2, 5.0, 110, 410)
    assert conv["bound_s"] == pytest.approx(100 / 50 + 400 / 100)  # the first by its arithmetic, the second by bytes


def test_what_takes_little_is_one_line():
    found = leading(groups(TIMED, peak=50.0, bandwidth=100.0), share=0.1)
    assert [group["kind"] for group in found] == ["conv direct", "other"]
    assert (found[1]["steps"], found[1]["s"], found[1]["bytes"]) == (2, pytest.approx(0.2), 300)
    assert [group["kind"] for group in leading(groups(TIMED, 50.0, 100.0), share=0.0)] == ["conv direct", "map", "pool"]
