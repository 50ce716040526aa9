"""Every function of the expression language against Python's scalars."""

from __future__ import annotations

import math

import numpy as np
import pytest
from primitive_cases import Case, fixed
from scipy.special import logsumexp

from runtime import ops
from runtime.expr import BINARY, LEAVES, TERNARY, UNARY, Expr, arg, call, const
from runtime.reference import Context, evaluate
from runtime.reference.expressions import FUNCTIONS

INF, NAN = math.inf, math.nan


def larger(a: float, b: float) -> float:
    return NAN if math.isnan(a) or math.isnan(b) else max(a, b)


def smaller(a: float, b: float) -> float:
    return NAN if math.isnan(a) or math.isnan(b) else min(a, b)


SCALAR = {
    "neg": lambda x: -x,
    "exp": math.exp,
    "log": math.log,
    "sqrt": math.sqrt,
    "rsqrt": lambda x: 1 / math.sqrt(x),
    "sin": math.sin,
    "cos": math.cos,
    "tanh": math.tanh,
    "sigmoid": lambda x: 1 / (1 + math.exp(-x)),
    "erf": math.erf,
    "abs": abs,
    "sign": lambda x: (x > 0) - (x < 0),
    "floor": math.floor,
    "not": lambda x: not x,
    "isfinite": math.isfinite,
    "to_float": float,
    "to_int": int,
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "div": lambda a, b: a / b,
    "pow": lambda a, b: a**b,
    "min": smaller,
    "max": larger,
    "lt": lambda a, b: a < b,
    "le": lambda a, b: a <= b,
    "gt": lambda a, b: a > b,
    "ge": lambda a, b: a >= b,
    "eq": lambda a, b: a == b,
    "ne": lambda a, b: a != b,
    "and": lambda a, b: a and b,
    "or": lambda a, b: a or b,
    "where": lambda c, a, b: a if c else b,
}
POINTS = (-2.5, -1.0, 0.0, 0.5, 2.0, 7.0)
POSITIVE = {"log": 1e-3, "sqrt": 0.0, "rsqrt": 1e-3}


def walk(tree: Expr, operands: dict[int, object], indices: tuple[int, ...]) -> object:
    """An expression at one element, by recursion over scalars."""
    if tree.op == "arg":
        return operands[tree.value]
    if tree.op == "const":
        return tree.value
    if tree.op == "index":
        return indices[tree.value]
    return SCALAR[tree.op](*(walk(a, operands, indices) for a in tree.args))


def test_the_table_has_every_function():
    assert UNARY | BINARY | TERNARY == set(SCALAR)
    assert set(SCALAR) == set(FUNCTIONS) | {"to_float", "to_int"}
    assert {"arg", "const", "scalar", "index", "uniform", "normal"} == LEAVES


@pytest.mark.parametrize("op", sorted(UNARY - {"not", "to_float"}))
def test_unary_functions_agree_with_python(op):
    x = np.array([p for p in POINTS if p >= POSITIVE.get(op, -INF)])
    (y,) = evaluate(ops.Map((call(op, arg(0)),), x.shape), Context(), [x])
    # Python's and NumPy's libraries may round differently.
    assert [pytest.approx(SCALAR[op](p), rel=1e-15) for p in x.tolist()] == y.tolist()


@pytest.mark.parametrize("op", sorted(BINARY - {"and", "or"}))
def test_binary_functions_agree_with_python(op):
    pairs = [(a, b) for a in POINTS for b in POINTS if not (op in ("div", "pow") and (b <= 0 or a < 0))]
    x, z = np.array(pairs).T
    (y,) = evaluate(ops.Map((call(op, arg(0), arg(1)),), x.shape), Context(), [x, z])
    assert [pytest.approx(SCALAR[op](a, b), rel=1e-15) for a, b in pairs] == y.tolist()


@pytest.mark.parametrize("op", ["and", "or", "not"])
def test_logic_agrees_with_python(op):
    x, z = np.array([False, False, True, True]), np.array([False, True, False, True])
    operands = [x, z][: 1 if op == "not" else 2]
    trees = (call(op, *(arg(k, "b1") for k in range(len(operands)))),)
    (y,) = evaluate(ops.Map(trees, (4,)), Context(), operands)
    assert [SCALAR[op](*row) for row in zip(*operands, strict=True)] == y.tolist()
    assert np.bool_ == y.dtype


def test_nan_wins_in_max_and_min():
    x, z = np.array([NAN, 1.0, NAN, -INF]), np.array([1.0, NAN, NAN, INF])
    trees = (call("max", arg(0), arg(1)), call("min", arg(0), arg(1)))
    largest, smallest = evaluate(ops.Map(trees, (4,)), Context(), [x, z])
    assert np.array_equal([NAN, NAN, NAN, INF], largest, equal_nan=True)
    assert np.array_equal([NAN, NAN, NAN, -INF], smallest, equal_nan=True)


def test_integers_stay_integers_and_meet_floats_as_floats():
    whole, real = arg(0, "i32"), arg(1)
    trees = (call("mul", whole, const(3)), call("mul", whole, real), call("lt", whole, real), call("div", whole, whole))
    results = evaluate(ops.Map(trees, (2,)), Context(), [np.array([2, 5], np.int32), np.array([0.5, 7.0])])
    assert [[6, 15], [1.0, 35.0], [False, True], [1.0, 1.0]] == [r.tolist() for r in results]
    assert [np.int32, np.float64, np.bool_, np.float64] == [r.dtype for r in results]


def test_index_and_scalar_are_read_from_the_element_and_the_head():
    rows, columns = Expr("index", (), -2, "i32"), Expr("index", (), -1, "i32")
    trees = (call("add", call("mul", rows, const(10)), columns), Expr("scalar", (), "rate"))
    place, rate = evaluate(ops.Map(trees, (2, 3)), Context(numbers={"rate": 0.25}), [])
    assert [[0, 1, 2], [10, 11, 12]] == place.tolist()
    assert [[0.25] * 3] * 2 == rate.tolist()


def test_the_working_precision_is_that_of_the_context():
    (y,) = evaluate(ops.Map((call("div", arg(0), const(3.0)),), (1,)), Context(np.dtype(np.float32)), [np.ones(1)])
    assert np.float32 == y.dtype
    assert np.float32(1) / np.float32(3) == y[0]


PLAIN = [
    c
    for c in fixed(ops.Map)
    if "special" not in c.name
    and not {"uniform", "normal", "scalar"} & {n.op for r in c.prim.results for n in r.walk()}
    and "logic" not in c.name
]


@pytest.mark.parametrize("case", PLAIN, ids=str)
def test_maps_agree_with_scalars_at_every_element(case: Case):
    prim = case.prim
    operands = [np.broadcast_to(a, prim.shape) for a in case.operands]
    for tree, actual in zip(prim.results, case.expected(), strict=True):
        for place in np.ndindex(*prim.shape):
            try:
                expected = walk(tree, {k: a[place].item() for k, a in enumerate(operands)}, place)
            except ValueError:  # Python's log of a negative number, on the side of a choice that is not taken
                continue
            assert actual[place] == pytest.approx(expected, rel=1e-13, abs=1e-15)


def test_sums_and_maxima_agree_with_numpy():
    x = np.random.default_rng(0).normal(size=(3, 4, 5))
    (total,) = evaluate(ops.Reduce("sum", (call("mul", arg(0), arg(1)),), (0, 2), x.shape), Context(), [x, x[0]])
    assert np.allclose((x * x[0]).sum((0, 2), keepdims=True), total, rtol=1e-13, atol=0)
    (top,) = evaluate(ops.Reduce("max", (arg(0),), (1,), x.shape), Context(), [x])
    assert np.array_equal(x.max(1, keepdims=True), top)


def test_a_reduction_of_nothing_is_0_or_minus_infinity():
    empty = np.zeros((2, 0))
    for op, expected in (("sum", 0.0), ("max", -INF)):
        assert [[expected]] * 2 == evaluate(ops.Reduce(op, (arg(0),), (1,), (2, 0)), Context(), [empty])[0].tolist()


@pytest.mark.parametrize("case", fixed(ops.Moments), ids=str)
def test_moments_agree_with_numpy(case: Case):
    (x,), (mean, variance) = case.operands, case.expected()
    # Two passes and NumPy's own; the shifted case loses 1000^2 of 1e16 at worst.
    assert np.allclose(x.mean(case.prim.axes, keepdims=True), mean, rtol=1e-13, atol=1e-14)
    assert np.allclose(x.var(case.prim.axes, keepdims=True), variance, rtol=1e-9, atol=1e-14)


@pytest.mark.parametrize("case", fixed(ops.LogSumExp), ids=str)
def test_logsumexp_agrees_with_scipy(case: Case):
    (x,), (y,) = case.operands, case.expected()
    with np.errstate(all="ignore"):
        expected = logsumexp(x, axis=case.prim.axis, keepdims=True)
    assert np.allclose(expected, y, rtol=1e-14, atol=1e-14, equal_nan=True)


@pytest.mark.parametrize("case", fixed(ops.Matmul), ids=str)
def test_products_agree_with_sums_over_elements(case: Case):
    a, b = case.operands
    rows, columns = ("km" if case.prim.transpose_a else "mk"), ("nk" if case.prim.transpose_b else "kn")
    expected = np.einsum(f"...{rows},...{columns}->...mn", a, b)
    (actual,) = case.expected()
    assert expected.shape == actual.shape
    assert np.allclose(expected, actual, rtol=0, atol=1e-12)


@pytest.mark.parametrize("case", fixed(ops.Window), ids=str)
def test_windows_agree_with_loops_over_channels(case: Case):
    (x,), (y,), half = case.operands, case.expected(), case.prim.size // 2
    for c in range(x.shape[1]):
        assert np.allclose(x[:, max(0, c - half) : c + half + 1].sum(1), y[:, c], rtol=0, atol=1e-14)
