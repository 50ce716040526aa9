"""Formulas of Expression: reading, limits, shapes, values."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from layer_support import run_layer

from netspec.layers import formula
from netspec.layers.expression import Expression
from netspec.layers.formula import FormulaError


def value(text: str, **bottoms: float) -> float:
    """The formula's value for single numbers."""
    given = bottoms or {"unused": 0.0}
    layer = Expression(expr=text if bottoms else f"{text} + 0 * unused")
    (y,) = run_layer(layer, *(np.array(v, float) for v in given.values()), names=tuple(given))
    return float(y)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1 + 2 * 3", 7),
        ("(1 + 2) * 3", 9),
        ("2 ** 3 ** 2", 512),
        ("-2 ** 2", -4),
        ("2 ** -1", 0.5),
        ("8 / 4 / 2", 1),
        ("10 - 3 - 2", 5),
        ("- - 3", 3),
        ("+3", 3),
        ("1e-3 + .5", 0.501),
        ("1 + 2 < 4", 1),
        ("where(1 > 2, 5, 6)", 6),
        ("min(3, 1, 2) + max(3, 1, 2)", 4),
        ("clip(7, 0, 1)", 1),
        ("sign(-3) + sign(0)", -1),
        ("floor(-1.5)", -2),
        ("sigmoid(0) + relu(-1) + abs(-2)", 2.5),
        ("3 == 3.0", 1),
        ("3 != 3.0", 0),
    ],
)
def test_formulas_bind_as_pythons_do(text, expected):
    assert value(text) == pytest.approx(expected, rel=1e-15)


def test_comparison_is_one_or_zero():
    assert (value("x > 1", x=2), value("x > 1", x=1), value("(x >= 1) * 5", x=1)) == (1, 0, 5)


def test_where_takes_any_number_as_condition():
    assert (value("where(x, 1, 2)", x=0.5), value("where(x, 1, 2)", x=0)) == (1, 2)


def test_whole_powers_of_negative_numbers_are_right():
    assert [value(f"x ** {n}", x=-2) for n in range(1, 9)] == [-2, 4, -8, 16, -32, 64, -128, 256]


@pytest.mark.parametrize(
    ("text", "message", "column"),
    [
        ("", "a number, a bottom or a function is missing before the end", 0),
        ("x +", "a number, a bottom or a function is missing before the end", 3),
        ("(x", "')' is missing before the end", 2),
        ("x y", "'y' cannot stand here", 2),
        ("x ^ 2", "'^' has no meaning in a formula", 2),
        ("$eps * x", "'$' has no meaning in a formula", 0),
        ("a < b < c", "comparisons do not chain; multiply two of them", 6),
        ("where(x, 1)", "where takes 3 operands, got 2", 0),
        ("exp(x, 1)", "exp takes 1 operand, got 2", 0),
        ("max(x)", "max takes 2 or more operands, got 1", 0),
        ("1 / 0 + x", "div of 1 and 0: float division by zero", 2),
        ("9 ** 9 ** 9", "pow of 9 and 3.8742e+08: math range error", 2),
        ("1e999", "a number is too large", 0),
        ("log(0)", "log of 0: math domain error", 0),
        ("(0 - 1) ** 0.5", "pow of -1 and 0.5: math domain error", 8),
        ("__import__('os')", '"\'" has no meaning in a formula', 11),
        ("x.real", "'.' has no meaning in a formula", 1),
        ("(" * 100 + "x" + ")" * 100, "the formula nests more than 64 deep", 64),
        ("-".join("x" * 300), "the formula nests more than 200 deep", 399),
        ("x" * 9000, "the formula has 9000 characters, at most 8192 are allowed", 0),
    ],
)  # fmt: skip
def test_what_is_no_formula_is_refused_at_its_place(text, message, column):
    with pytest.raises(FormulaError) as caught:
        formula.parse(text)
    assert (caught.value.message, caught.value.column) == (message, column)


def test_unknown_function_is_told_what_there_is():
    with pytest.raises(FormulaError, match=r"there is no function 'system'; there are abs, clip, cos, erf, exp"):
        formula.parse("system(x)")


def test_problem_names_the_place():
    (problem,) = Expression(expr="x ^ 2").problems()
    assert (problem.code, problem.field) == ("E520", "expr")
    assert problem.message == "'^' has no meaning in a formula (at character 3 of 'x ^ 2')"


def test_names_come_in_the_order_of_their_mention():
    assert list(formula.names(formula.parse("b * a + exp(b - c)"))) == ["b", "a", "c"]


def place_of_error(text: str) -> int:
    """The column of the error, 0 for a formula without one."""
    try:
        formula.parse(text)
    except FormulaError as error:
        return error.column
    return 0


@given(st.text(alphabet="xy01.+-*/()<>=, expminwhere$^'\"[]", max_size=60))
@settings(max_examples=300, deadline=None, derandomize=True)
def test_any_text_is_a_formula_or_a_clear_error(text):
    assert 0 <= place_of_error(text) <= len(text)


def test_shapes_broadcast_as_numpys():
    tree = formula.parse("tanh(a + b) * 2")
    assert formula.shape(tree, {"a": (4, 5, 6), "b": (4, 1, 6)}) == (4, 5, 6)
    assert formula.shape(tree, {"a": (5, 1), "b": (3, 1, 6)}) == (3, 5, 6)
    assert formula.shape(tree, {"a": (), "b": (2,)}) == (2,)


def test_labels_count_as_numbers():
    (y,) = run_layer(Expression(expr="label / 2"), np.array([1, 2, 3]), names=("label",))
    assert y.tolist() == [0.5, 1.0, 1.5]
