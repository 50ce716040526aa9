"""Learning-rate policies against Caffe's formulas."""

from __future__ import annotations

import math

import pytest

from netspec import policies
from netspec.solvers.sgd import SGD


def rates(iterations, **fields):
    solver = SGD(base_lr=0.1, **fields)
    return [solver.rate(i) for i in iterations]


def test_fixed_never_changes():
    assert rates([0, 10**9], lr_policy="fixed") == [0.1, 0.1]


def test_step_drops_at_each_multiple():
    found = rates([0, 9, 10, 19, 20], lr_policy="step", gamma=0.5, stepsize=10)
    assert found == pytest.approx([0.1, 0.1, 0.05, 0.05, 0.025], rel=1e-15)


def test_exp_multiplies_each_time():
    assert rates([0, 1, 3], lr_policy="exp", gamma=0.5) == pytest.approx([0.1, 0.05, 0.0125], rel=1e-15)


def test_inv_falls_as_a_power():
    assert rates([0, 10000], lr_policy="inv", gamma=0.0001, power=0.75) == pytest.approx(
        [0.1, 0.1 * 2**-0.75], rel=1e-15
    )


def test_multistep_drops_from_each_value_on():
    found = rates([0, 4, 5, 7, 8, 100], lr_policy="multistep", gamma=0.1, stepvalue=(5, 8))
    assert found == pytest.approx([0.1, 0.1, 0.01, 0.01, 0.001, 0.001], rel=1e-12)


def test_poly_reaches_zero_and_stays_there():
    found = rates([0, 50, 75, 100, 150], lr_policy="poly", power=0.5, max_iter=100)
    assert found == pytest.approx([0.1, 0.1 * math.sqrt(0.5), 0.05, 0, 0], rel=1e-12)


def test_sigmoid_is_half_way_at_stepsize():
    found = rates([0, 100, 200], lr_policy="sigmoid", gamma=-0.1, stepsize=100)
    assert found == pytest.approx([0.1 / (1 + math.exp(-10)), 0.05, 0.1 / (1 + math.exp(10))], rel=1e-12)


def test_cosine_falls_along_half_a_wave():
    found = rates([0, 25, 50, 100, 150], lr_policy="cosine", max_iter=100, min_lr=0.02)
    half = 0.5 * (1 + math.sqrt(0.5))
    assert found == pytest.approx([0.1, 0.02 + 0.08 * half, 0.06, 0.02, 0.02], rel=1e-12)


def test_one_cycle_rises_and_falls():
    found = rates([0, 5, 10, 55, 100, 200], lr_policy="one_cycle", stepsize=10, max_iter=100)
    assert found == pytest.approx([0.004, 0.052, 0.1, 0.05, 0.0, 0.0], rel=1e-12, abs=1e-15)


def test_rates_far_out_are_numbers():
    assert rates([0, 10**7], lr_policy="sigmoid", gamma=5.0, stepsize=100000) == [0.0, 0.1]
    assert rates([10**6], lr_policy="exp", gamma=2.0) == [math.inf]


def test_every_policy_is_documented_by_its_formula():
    for policy in policies.registered():
        assert (policy.__doc__ or "").startswith("``rate = base_lr")
