from __future__ import annotations

import math

import numpy as np
import pytest
from kernel_calls import apply, ulps

ERF = np.vectorize(math.erf, otypes=[float])

# function, text, range, ulp in float32, ulp in float64
FUNCTIONS = [
    ("exp", np.exp, "exp(v)", (-87.0, 88.7), 1.0, 1.0),
    ("exp near 0", np.exp, "exp(v)", (-1.0, 1.0), 1.0, 1.0),
    ("log", np.log, "log(v)", (1e-30, 1e30), 1.0, 1.0),
    ("log near 1", np.log, "log(v)", (0.5, 2.0), 1.0, 1.0),
    ("tanh", np.tanh, "tanh(v)", (-9.0, 9.0), 2.0, 2.0),
    ("tanh near 0", np.tanh, "tanh(v)", (-0.7, 0.7), 2.0, 2.0),
    ("sigmoid", lambda x: 1 / (1 + np.exp(-x)), "sigmoid(v)", (-80.0, 80.0), 2.0, 2.0),
    ("erf", ERF, "erf(v)", (-7.0, 7.0), 2.0, 2.0),
    ("erf near 0", ERF, "erf(v)", (-1.1, 1.1), 2.0, 2.0),
    ("sin", np.sin, "sin(v)", (-1000.0, 1000.0), 2.0, 2.0),
    ("cos", np.cos, "cos(v)", (-1000.0, 1000.0), 2.0, 2.0),
    ("sqrt", np.sqrt, "sqrt(v)", (0.0, 1e9), 0.501, 0.501),
    # float32 powers go through float64; float64 ones lose with the size of y log x, here 20
    ("pow", lambda x: x ** x.dtype.type(2.5), "power(v, 2.5)", (1e-3, 1e3), 0.6, 40.0),
]


@pytest.mark.parametrize(
    ("name", "function", "text", "range_", "single", "double"), FUNCTIONS, ids=[f[0] for f in FUNCTIONS]
)
def test_functions_are_within_their_units_in_the_last_place(name, function, text, range_, single, double):
    rng = np.random.default_rng(0)
    for dtype, wide, bound in ((np.float32, np.float64, single), (np.float64, np.longdouble, double)):
        x = rng.uniform(*range_, 100_003).astype(dtype)
        if name == "log":
            x = np.exp(rng.uniform(-69, 69, 100_003)).astype(dtype)
        assert ulps(apply(text, x), function(x.astype(wide))) <= bound


SPECIAL = [np.nan, np.inf, -np.inf, 0.0, -0.0, 1.0, -1.0, 800.0, -800.0]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("text", "function"),
    [
        ("exp(v)", np.exp),
        ("log(v)", np.log),
        ("tanh(v)", np.tanh),
        ("sigmoid(v)", lambda x: 1 / (1 + np.exp(-x))),
        ("erf(v)", ERF),
        ("sin(v)", np.sin),
        ("cos(v)", np.cos),
        ("power(v, 2.5)", lambda x: x**2.5),
        ("power(v, -3)", lambda x: x**-3.0),
        ("power(v, 0)", lambda x: x**0.0),
        ("maximum(v, 0.5)", lambda x: np.maximum(x, 0.5)),
        ("minimum(v, 0.5)", lambda x: np.minimum(x, 0.5)),
        ("sign(v)", np.sign),
        ("floor(v * 0.3)", lambda x: np.floor(x * 0.3)),
        ("absolute(v)", np.abs),
        ("rsqrt(absolute(v))", lambda x: 1 / np.sqrt(np.abs(x))),
    ],
)
def test_special_values_are_those_of_numpy(text, function, dtype):
    x = np.array(SPECIAL, dtype)
    with np.errstate(all="ignore"):
        want = function(x)
    # a result below the normal numbers may be 0
    np.testing.assert_allclose(apply(text, x), want, rtol=1e-6, atol=np.finfo(dtype).tiny)


def test_numbers_out_of_range_become_the_nearest_whole_number():
    x = np.array([1e20, -1e20, np.nan, 2.9, -2.9, 0.0], np.float32)
    limits = np.iinfo(np.int32)
    got = apply("to_self(to_i32(v))", x)
    assert got.tolist() == [float(limits.max + 1), float(limits.min), 0.0, 2.0, -2.0, 0.0]


def test_a_division_is_a_true_division():
    rng = np.random.default_rng(1)
    x = rng.uniform(1, 100, 10_001).astype(np.float32)
    np.testing.assert_array_equal(apply("1.0 / v", x), np.float32(1) / x)
    np.testing.assert_array_equal(apply("v / 3.0", x), x / np.float32(3))


def test_tests_for_nan_are_not_deleted():
    x = np.full(100, np.nan, np.float32)
    assert apply("select(v == v, 1.0, splat(0.0))", x).sum() == 0
    assert apply("select(isfinite(v), 1.0, splat(0.0))", x).sum() == 0
    assert apply("select(v != v, 1.0, splat(0.0))", x).sum() == 100
