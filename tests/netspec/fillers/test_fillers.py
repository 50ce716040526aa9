"""Fillers against their formulas: ranges, moments, exact values, repeatability."""

from __future__ import annotations

import numpy as np
import pytest

from compiler.builder import Builder
from compiler.interpret import run_graph
from netspec.fillers.bilinear import Bilinear
from netspec.fillers.constant import Constant
from netspec.fillers.gaussian import Gaussian
from netspec.fillers.msra import Msra
from netspec.fillers.positive_unitball import PositiveUnitBall
from netspec.fillers.uniform import Uniform
from netspec.fillers.xavier import Xavier

WIDE = (40, 50, 5, 5)  # fan_in 1250, fan_out 1000, 50,000 values


def filled(filler, shape, name="weight", seed=0, dtype="f64"):
    """What a new parameter holds."""
    b = Builder("train", "f64")
    with b.scope("it"):
        b.param(name, shape, filler)
    return run_graph(b.graph, {}, scalars={"seed": seed}, dtype=dtype).states[f"it.{name}"]


def test_constant_fills_with_its_value():
    assert (filled(Constant(value=0.2), (3, 4)) == 0.2).all()
    assert filled(Constant(value=0.2), ()).shape == ()


def test_uniform_covers_its_range_and_is_not_symmetric_by_default():
    w = filled(Uniform(), WIDE)
    assert (w.min() >= 0, w.max() < 1) == (True, True)
    # 50,000 draws: the mean is off by 0.0013 (one standard deviation)
    assert w.mean() == pytest.approx(0.5, abs=0.007)
    v = filled(Uniform(min=-2, max=6), WIDE)
    np.testing.assert_allclose(v, w * 8 - 2, rtol=1e-12)


def test_gaussian_has_its_mean_and_deviation():
    w = filled(Gaussian(mean=1, std=0.5), WIDE)
    # five standard deviations of the estimates over 50,000 draws
    assert w.mean() == pytest.approx(1, abs=0.012)
    assert w.std() == pytest.approx(0.5, abs=0.009)
    # a normal's fourth moment tells it from other bells
    assert (((w - w.mean()) / w.std()) ** 4).mean() == pytest.approx(3, abs=0.12)


def test_sparse_gaussian_keeps_about_so_many_weights_of_each_output():
    w = filled(Gaussian(std=1, sparse=25), (200, 1000))
    kept = (w != 0).sum(1)
    # binomial, deviation 5 a row, 0.35 for the mean of 200 rows
    assert kept.mean() == pytest.approx(25, abs=1.8)
    assert kept.max() < 60


def test_positive_unitball_rows_sum_to_one():
    w = filled(PositiveUnitBall(), (4, 3, 2))
    assert (w >= 0).all()
    np.testing.assert_allclose(w.sum((1, 2)), 1, rtol=1e-12)
    assert filled(PositiveUnitBall(), (4,)).tolist() == [1.0] * 4


@pytest.mark.parametrize(("norm", "n"), [("FAN_IN", 1250), ("FAN_OUT", 1000), ("AVERAGE", 1125)])
def test_xavier_is_uniform_with_variance_one_over_n(norm, n):
    w = filled(Xavier(variance_norm=norm), WIDE)
    s = np.sqrt(3 / n)
    assert np.abs(w).max() <= s
    assert np.abs(w).max() == pytest.approx(s, rel=1e-3)
    # the variance of 50,000 uniform draws is off by 0.4 % (one standard deviation)
    assert w.var() == pytest.approx(1 / n, rel=0.02)


@pytest.mark.parametrize(("norm", "n"), [("FAN_IN", 1250), ("FAN_OUT", 1000), ("AVERAGE", 1125)])
def test_msra_is_normal_with_variance_two_over_n(norm, n):
    # the variance of 50,000 normal draws is off by 0.6 % (one standard deviation)
    assert filled(Msra(variance_norm=norm), WIDE).var() == pytest.approx(2 / n, rel=0.03)


def test_fans_of_a_bias_are_caffes():
    # count / shape[0] = 1 into each output; no second axis: all 10 out of it
    assert (Xavier().fan((10,)), Xavier(variance_norm="FAN_OUT").fan((10,)), Xavier().fan(())) == (1, 10, 1)


@pytest.mark.parametrize(
    ("k", "row"),
    [(1, [1.0]), (2, [0.75, 0.75]), (3, [0.5, 1.0, 0.5]), (4, [0.25, 0.75, 0.75, 0.25])],
)
def test_bilinear_is_a_tent(k, row):
    f, c = int(np.ceil(k / 2)), (k - 1) / (2 * np.ceil(k / 2))
    tent = [1 - abs(x / f - c) for x in range(k)]
    w = filled(Bilinear(), (2, 1, k, k))
    assert tent == row or k == 2
    for kernel in w.reshape(2, k, k):
        np.testing.assert_allclose(kernel, np.outer(tent, tent), rtol=1e-12)


def test_bilinear_refuses_what_is_not_square():
    assert Bilinear().problem((1, 1, 3, 4)) == "bilinear fills square kernels, this parameter is 1 x 1 x 3 x 4"
    assert Bilinear().problem((1, 1, 3, 3)) is None


def test_fillers_repeat_by_seed_and_differ_by_name():
    one, again = filled(Msra(), (5, 5)), filled(Msra(), (5, 5))
    assert (one == again).all()
    assert (one != filled(Msra(), (5, 5), seed=1)).any()
    assert (one != filled(Msra(), (5, 5), name="bias")).any()
