"""The generator of the shape sweep."""

from __future__ import annotations

import numpy as np
import pytest

from bench.sweep_cases import LEAST_FLOPS, MOST_ELEMENTS, MOST_FLOPS, ConvCase, sweep_cases
from bench.sweep_data import apart, operands, sample


def test_the_same_seed_draws_the_same_cases_whatever_the_count():
    assert sweep_cases(20, seed=3) == sweep_cases(40, seed=3)[:20]
    assert sweep_cases(20, seed=3) != sweep_cases(20, seed=4)


def test_every_case_is_within_the_limits():
    for case in sweep_cases(300):
        x, w, y = case.shapes
        assert LEAST_FLOPS <= case.flops <= MOST_FLOPS
        assert max(np.prod(x), np.prod(y)) <= MOST_ELEMENTS
        assert min(case.out) >= 1
        assert case.c % case.groups == 0
        assert case.k % case.groups == 0
        assert w == (case.k, case.c // case.groups, case.r, case.r)
        assert 7 <= case.h <= 224
        assert 1 <= case.c <= 512
        assert 1 <= case.k <= 512


def test_a_hundred_cases_hold_every_kind_and_size_of_window():
    cases = sweep_cases(100)
    assert {case.kind for case in cases} == {"plain", "1 x 1", "strided", "dilated", "grouped", "depthwise"}
    assert {case.r for case in cases} == set(range(1, 12))
    assert {case.stride for case in cases} == {1, 2, 3}


def test_a_case_says_what_it_is():
    case = ConvCase(0, 2, 8, 16, 9, 7, 3, stride=2, pad=1, groups=4)
    assert str(case) == "2 x 8 x 9 x 7, 16 of 3 x 3, stride 2, groups 4, pad 1"
    assert case.out == (5, 4)
    assert case.flops == 2 * 2 * 16 * 5 * 4 * 2 * 9
    assert ConvCase(**case.to_dict()) == case


def test_samples_tell_a_wrong_result_from_rounding():
    case = ConvCase(0, 2, 3, 4, 9, 9, 3)
    results = operands(case)
    right = sample(case, results)
    rounded = sample(case, [r * np.float32(1 + 1e-6) for r in results])
    wrong = sample(case, [results[0], results[1], -results[2]])
    assert apart(right, right) == 0.0
    assert 0 < apart(rounded, right) < 1e-5  # the factor, at numbers of a few root mean squares
    assert apart(wrong, right) > 1
    assert apart([[float("nan")]], [[1.0]]) == float("inf")


@pytest.mark.bench
@pytest.mark.parametrize("layout", ["nchw", "channels_last"])
def test_both_sides_of_the_sweep_compute_the_same(layout):
    pytest.importorskip("torch")
    from bench.netspec_sweep import Sweep as Ours
    from bench.torch_sweep import Sweep as Theirs

    ours, theirs = Ours(1), Theirs(1, layout)
    for case in (ConvCase(0, 2, 3, 8, 9, 11, 3, stride=2, pad=1), ConvCase(1, 2, 8, 4, 9, 9, 1, groups=4)):
        found = []
        for side in (ours, theirs):
            side.load(case.to_dict())
            side.step()
            side.step()  # operands must outlive a step
            found.append(side.result())
        assert apart(found[0], found[1]) < 2e-3  # the sweep's own tolerance: Winograd's bound on either side
