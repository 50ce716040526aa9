"""The table of derivatives: its forms, kinks and powers."""

from __future__ import annotations

import numpy as np
import pytest

from compiler.autodiff import gradients
from compiler.builder import Builder
from compiler.interpret import run_graph
from compiler.ir import Value, describe
from compiler.primitives.derivatives import ROWS, ZERO, adjoints, mul, neg
from runtime.expr import BINARY, TERNARY, UNARY, Expr, arg, call, const

FLAT = {"lt", "le", "gt", "ge", "eq", "ne", "and", "or", "not", "isfinite", "floor", "sign", "to_int", "to_float"}


def derivative(b: Builder, y: Value, *wrt: Value) -> list[str]:
    """The backward operations, as text."""
    gradients(b, None, wrt, seeds={y: b.input("dy", y.shape)})
    return [describe(op.prim) for op in b.graph.ops if op.segment == "backward"]


def slope(formula: Expr, *points: float) -> list[float]:
    """d(formula)/d(operand 0) at each point."""
    b = Builder(dtype="f64")
    x = b.input("x", (len(points),))
    y = b.map(formula, x.shape, x)
    (dx,) = gradients(b, b.sum(y), [x])
    return [0.0] * len(points) if dx is None else run_graph(b.graph, {"x": points})[dx].tolist()


def test_every_function_has_a_row_or_is_flat():
    assert (UNARY | BINARY | TERNARY) - FLAT == set(ROWS)


@pytest.mark.parametrize(
    ("op", "expected"),
    [
        ("exp", "map[mul(%0, %1)]"),
        ("sigmoid", "map[mul(%0, mul(%1, sub(1.0, %1)))]"),
        ("tanh", "map[mul(%0, sub(1.0, mul(%1, %1)))]"),
        ("sqrt", "map[div(mul(%0, 0.5), %1)]"),
        ("rsqrt", "map[mul(mul(%0, -0.5), mul(%1, mul(%1, %1)))]"),
    ],
)
def test_derivatives_read_the_result_where_they_can(op, expected):
    b = Builder()
    x = b.input("x", (3,))
    y = b.apply(op, x)
    assert [expected] == derivative(b, y, x)
    assert y in b.graph.ops[-1].inputs
    assert x not in b.graph.ops[-1].inputs


def test_one_reduce_takes_the_formula_of_a_broadcast_operand():
    b = Builder()
    x, scale = b.input("x", (2, 3, 4, 5)), b.input("scale", (1, 3, 1, 1))
    assert ["reduce sum[0, 2, 3][mul(%1, %0)]"] == derivative(b, x * scale, scale)


def test_a_broadcast_operand_of_lower_rank_gets_its_own_shape_back():
    b = Builder()
    x, bias = b.input("x", (2, 3, 4)), b.input("bias", (4,))
    assert ["reduce sum[0, 1][%0]", "reshape shape=(4,)"] == derivative(b, x + bias, bias)


def test_a_sum_passes_its_gradient_on_without_an_operation():
    b = Builder()
    x, y = b.input("x", (2, 3)), b.input("y", (2, 3))
    assert [] == derivative(b, x + y, x, y)


def test_a_value_used_twice_by_one_map_gets_one_gradient():
    b = Builder()
    x = b.input("x", (3,))
    assert ["map[add(mul(%1, %0), mul(%1, %0))]"] == derivative(b, x * x, x)


@pytest.mark.parametrize(
    ("exponent", "points", "expected"),
    [
        (2, (-1.5, 0.0, 3.0), [-3.0, 0.0, 6.0]),
        (3.0, (-2.0, 0.0, 2.0), [12.0, 0.0, 12.0]),
        (1, (-2.0, 0.0, 2.0), [1.0, 1.0, 1.0]),
        (0, (-2.0, 0.0, 2.0), [0.0, 0.0, 0.0]),
        (-1.0, (-2.0, 0.5), [-0.25, -4.0]),
        (0.5, (0.25, 4.0), [1.0, 0.25]),
    ],
)
def test_powers_are_right_at_zero_and_for_negative_numbers(exponent, points, expected):
    assert expected == slope(call("pow", arg(0), const(exponent)), *points)


def test_a_power_with_a_varying_exponent_is_finite_at_zero():
    b = Builder(dtype="f64")
    x, n = b.input("x", (3,)), b.input("n", (3,))
    dx, dn = gradients(b, b.sum(x**n), [x, n])
    results = run_graph(b.graph, {"x": [0.0, 0.0, 2.0], "n": [0.0, 2.0, 3.0]})
    assert [0.0, 0.0, 12.0] == results[dx].tolist()
    assert [0.0, 0.0, pytest.approx(8 * np.log(2))] == results[dn].tolist()


def test_kinks_take_one_side():
    zero = const(0.0)
    relu = call("where", call("gt", arg(0), zero), arg(0), call("mul", const(0.25), arg(0)))
    assert [0.25, 0.25, 1.0] == slope(relu, -1.0, 0.0, 1.0)
    assert [0.0, 1.0, 1.0] == slope(call("max", arg(0), zero), -1.0, 0.0, 1.0)
    assert [0.0, 0.0, 1.0] == slope(call("max", zero, arg(0)), -1.0, 0.0, 1.0)
    assert [1.0, 1.0, 0.0] == slope(call("min", arg(0), zero), -1.0, 0.0, 1.0)
    assert [-1.0, 0.0, 1.0] == slope(call("abs", arg(0)), -1.0, 0.0, 1.0)
    assert [0.0, 0.0] == slope(call("mul", call("floor", arg(0)), call("sign", arg(0))), 0.5, 1.5)


def test_the_branch_not_taken_gives_no_nan():
    """Written as 0 * (1 / x) the branch not taken would be 0 * inf."""
    log = call("where", call("gt", arg(0), const(0.0)), call("log", arg(0)), const(0.0))
    assert [0.0, 0.0, 0.5] == slope(log, -1.0, 0.0, 2.0)
    root = call("where", call("gt", arg(0), const(0.0)), call("sqrt", arg(0)), const(0.0))
    assert [0.0, 0.0, 0.25] == slope(root, -1.0, 0.0, 4.0)


def test_a_choice_of_slopes_stays_one_choice():
    relu = call("where", call("gt", arg(0), const(0.0)), arg(0), call("mul", const(0.25), arg(0)))
    (found,) = adjoints([relu], [arg(1)]).values()
    assert str(found) == "where(gt(%0, 0.0), %1, mul(%1, 0.25))"


def test_no_gradient_flows_through_integers_and_comparisons():
    b = Builder(dtype="f64")
    x, label = b.input("x", (3,)), b.input("label", (3,), "i32")
    assert gradients(b, b.sum(b.to_float(x > 0) + b.to_float(label)), [x, label]) == [None, None]


def test_the_random_numbers_of_the_gradient_are_those_of_forward():
    b = Builder(dtype="f64")
    x = b.input("x", (40,))
    keep = call("lt", Expr("uniform", (), (5, 0)), const(0.5))
    y = b.map(call("where", keep, call("mul", arg(0), const(2.0)), const(0.0)), x.shape, x)
    (dx,) = gradients(b, b.sum(y), [x])
    results = run_graph(b.graph, {"x": np.ones(40)}, scalars={"seed": 3, "iteration": 9})
    assert results[y].tolist() == results[dx].tolist()
    assert set(results[y]) == {0.0, 2.0}


def test_a_constant_gradient_is_folded_into_the_formula():
    b = Builder()
    x = b.input("x", (3,))
    y, z = b.exp(x), b.sin(x)
    dx_of_exp, dx_of_sin = gradients(b, y, [x]) + gradients(b, z, [x])
    assert dx_of_exp is y
    assert dx_of_sin is not None
    assert "map[cos(%0)]" == describe(dx_of_sin.op.prim)


def test_a_zero_stays_a_zero_whatever_its_sign():
    assert [ZERO] * 3 == [neg(ZERO), mul(ZERO, const(-2.0)), mul(const(-0.0), arg(0))]
