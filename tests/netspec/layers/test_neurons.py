"""Layers of single elements at their kinks, ends and odd numbers."""

from __future__ import annotations

import numpy as np
import pytest
from layer_support import Case, Lone, run_layer

from compiler.interpret import run_graph
from netspec.layers.abs_val import AbsVal
from netspec.layers.clip import Clip
from netspec.layers.exp import Exp
from netspec.layers.gelu import GELU
from netspec.layers.log import Log
from netspec.layers.maxout import Maxout
from netspec.layers.mish import Mish
from netspec.layers.power import Power
from netspec.layers.relu6 import ReLU6
from netspec.layers.softplus import Softplus
from netspec.layers.swish import Swish
from netspec.layers.threshold import Threshold
from netspec.spec.registry import LAYERS


def slope(layer, *x, dtype="f64"):
    """(y, dy/dx) at some numbers."""
    lone = Lone(Case(layer, [np.array(x, np.float64)], lambda *_: ()))
    _, (dx,) = lone.differentiate()
    lone.feeds["weight0"] = np.ones_like(lone.feeds["weight0"])
    results = run_graph(lone.b.graph, lone.feeds, lone.states, dtype=dtype)
    return results[lone.tops[0]].tolist(), results[dx].tolist()


def test_relu6_is_flat_at_both_ends():
    assert slope(ReLU6(), -1.0, 0.0, 3.0, 6.0, 7.0) == ([0, 0, 3, 6, 6], [0, 0, 1, 0, 0])


def test_clip_passes_the_gradient_at_both_bounds():
    assert slope(Clip(min=-1.0, max=1.0), -2.0, -1.0, 0.0, 1.0, 2.0) == ([-1, -1, 0, 1, 1], [0, 1, 1, 1, 0])


def test_absolute_value_is_flat_at_zero():
    assert slope(AbsVal(), -2.0, 0.0, 2.0) == ([2, 0, 2], [-1, 0, 1])


def test_softplus_rises_by_half_at_zero():
    y, dx = slope(Softplus(), 0.0)
    assert y == pytest.approx([np.log(2)], rel=1e-15)
    assert dx == [0.5]


@pytest.mark.parametrize("layer", [Softplus(), Mish(), Swish(), GELU(), GELU(approximate="tanh")])
def test_soft_rectifiers_stay_finite_far_off(layer):
    y, dx = slope(layer, -300.0, 300.0, dtype="f32")
    assert y == [0.0, 300.0]
    assert dx == pytest.approx([0.0, 1.0], abs=1e-30)


def test_whole_powers_take_negative_numbers_and_are_smooth_at_zero():
    assert slope(Power(power=2.0), -3.0, 0.0) == ([9, 0], [-6, 0])
    assert slope(Power(power=3.0, shift=1.0), -3.0, -1.0) == ([-8, 0], [12, 0])


def test_other_powers_of_negative_numbers_are_no_numbers():
    (y,) = run_layer(Power(power=0.5), [-1.0, 4.0])
    assert np.isnan(y).tolist() == [True, False]


def test_power_zero_is_one_even_of_zero_and_infinity():
    (y,) = run_layer(Power(power=0.0), [0.0, np.inf, -2.0])
    assert y.tolist() == [1, 1, 1]


def test_power_without_a_scale_is_constant():
    (y,) = run_layer(Power(power=2.0, scale=0.0, shift=-3.0), [np.inf, 1.0])
    assert y.tolist() == [9, 9]


def test_exponential_of_base_two_doubles():
    (y,) = run_layer(Exp(base=2.0), [0.0, 1.0, 10.0])
    np.testing.assert_allclose(y, [1, 2, 1024], rtol=1e-14)


def test_logarithm_of_nothing_is_minus_infinity():
    (y,) = run_layer(Log(base=10.0), [0.0, 1000.0])
    np.testing.assert_allclose(y, [-np.inf, 3], rtol=1e-14)


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (Exp(base=0.0), "base 0 is not above 0"),
        (Exp(base=-2.0), "base -2 is not above 0"),
        (Log(base=-1.5), "base -1.5 is not above 0"),
        (Log(base=1.0), "no power of base 1 is another number"),
        (Clip(min=2.0, max=1.0), "min 2 is above max 1"),
    ],
)
def test_fields_that_make_no_sense_are_reported(layer, message):
    (problem,) = layer.problems()
    assert (problem.code, problem.message) == ("E504", message)


def test_threshold_itself_is_below():
    (y,) = run_layer(Threshold(threshold=1.0), [1.0, 1.5])
    assert y.tolist() == [0, 1]


def test_maxout_gives_the_gradient_to_the_first_of_equal_pieces():
    lone = Lone(Case(Maxout(pieces=2), [np.array([[1.0, 0.0, 1.0, 2.0]])], lambda *_: ()))
    _, (dx,) = lone.differentiate()
    lone.feeds["weight0"] = np.array([[1.0, 1.0]])
    assert lone.run()[dx].tolist() == [[1, 0, 0, 1]]


def test_gelus_agree_within_their_known_distance():
    x = np.linspace(-4, 4, 101)
    (exact,), (approximate,) = run_layer(GELU(), x), run_layer(GELU(approximate="tanh"), x)
    # Hendrycks and Gimpel's formula is off by no more
    assert 1e-5 < np.abs(exact - approximate).max() < 5e-4


@pytest.mark.parametrize(("alias", "name"), [("SiLU", "Swish"), ("BNLL", "Softplus")])
def test_other_spellings_are_the_same_class(alias, name):
    assert LAYERS.get(alias) is LAYERS.get(name) is not None
