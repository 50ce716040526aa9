from __future__ import annotations

from fractions import Fraction

import pytest
from spec_reading import node, quoted, value

from netspec.spec.expressions import ExpressionError, Ratio, expressions_in, substitute
from netspec.spec.marks import Mark
from netspec.spec.nodes import Scalar


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1 + 2 * 3", 7), ("(1 + 2) * 3", 9), ("7 // 2", 3), ("-7 // 2", -4), ("-7 % 3", 2), ("6 / 3", 2),
        ("2 - 3 - 4", -5), ("100 / 10 / 5", 2), ("--3", 3), ("-(2)", -2), ("10 * 0.7", 7),
        ("0.1 + 0.2", Fraction(3, 10)),
        ("1e3", 1000), (".5 * 2", 1), ("true", True), ("not true", False), ("not not true", True),
        ("1 < 2", True), ("1 < 2 < 2", False), ("1 < 2 <= 2 != 3", True), ("2 == 2.0", True), ("'a' == \"a\"", True),
        ("'a' != 'b'", True), ("true == false", False), ("1 if true else 2", 1),
        ("1 if false else 2 if false else 3", 3), ("true or 1 / 0 > 0", True), ("false and 1 / 0 > 0", False),
        ("1 if true else 1 / 0", 1), ("false or true and false", False), ("not 1 == 2", True),
        ("min(3, 1, 2)", 1), ("max(3, 1, 2)", 3), ("abs(-2)", 2), ("floor(2.7)", 2), ("ceil(2.1)", 3),
        ("round(2.5)", 2), ("round(3.5)", 4), ("sqrt(49)", 7), ("sqrt(0.25)", Fraction(1, 2)), ("log2(1024)", 10),
        ("log2(0.5)", -1.0), ("9223372036854775807", 2**63 - 1), ("'it\\'s' == \"it's\"", True), ("1if true else 2", 1),
    ],
)  # fmt: skip
def test_expressions_have_exact_values(text: str, expected: object) -> None:
    found = value(text)
    assert found == expected
    assert isinstance(found, bool) == isinstance(expected, bool)


def test_variables_keys_and_len() -> None:
    env = {"depth": 152, "units": {50: [3, 4], 152: [3, 8]}, "m": {"a": 1, True: 2, 0.5: 3}, "w": 0.7}
    assert value("units[depth]", **env) == [3, 8]
    assert value("len(units[depth]) + len(m)", **env) == 5
    assert value("m['a'] + m[true] + m[1 / 2]", **env) == 6
    assert value("10 * w", **env) == 7
    assert value("units", **env) == env["units"]


def test_one_and_true_are_different_keys() -> None:
    with pytest.raises(ExpressionError, match="no key 1"):
        value("m[1]", m={True: 2})


@pytest.mark.parametrize(
    ("text", "code", "message", "columns"),
    [
        ("9 ** 9 ** 9", "E201", "there is no power operator", (6, 8)),
        ("a && b", "E201", "`&&` is written `and`", (6, 8)),
        ("!a", "E201", "`!` is written `not`", (4, 5)),
        ("a = 1", "E201", "`=` is no comparison", (6, 7)),
        ("a ? 1 : 2", "E201", "`c ? a : b` is written `a if c else b`", (6, 7)),
        ("m.a", "E201", "a mapping's value is taken with brackets", (5, 6)),
        ("$a", "E201", "inside `${..}` a variable is written without the dollar sign", (4, 5)),
        ("", "E201", "the expression is empty", (4, 5)),
        ("1 +", "E201", "the expression ends too early", (7, 8)),
        ("1 2", "E201", "`2` cannot stand here", (6, 7)),
        ("(1", "E201", "`(` is never closed", (6, 7)),
        ("min(1, 2", "E201", "`(` is never closed", (12, 13)),
        ("min()", "E201", "`min` takes at least one argument, got 0", (4, 9)),
        ("abs(1, 2)", "E201", "`abs` takes one argument, got 2", (4, 13)),
        ("1 if true", "E201", "`a if c` lacks its `else b`", (13, 14)),
        ("and 1", "E201", "`and` cannot stand here", (4, 7)),
        ("'a", "E201", "this quote is never closed", (4, 5)),
        ("[1]", "E201", "`[` cannot stand here", (4, 5)),
        ("__import__('os').system('x')", "E201", "there is no function `__import__`", (4, 14)),
        ("().__class__", "E201", "`)` cannot stand here", (5, 6)),
        ("lambda: 1", "E201", "`:` cannot stand here", (10, 11)),
        ("widht", "E202", "unknown variable `widht`", (4, 9)),
        ("1 + 'a'", "E203", "a number is due, got the text `a`", (8, 11)),
        ("-true", "E203", "a number is due, got the boolean true", (5, 9)),
        ("1 and true", "E203", "true or false is due, got the number 1", (4, 5)),
        ("1 if 2 else 3", "E203", "true or false is due, got the number 2", (9, 10)),
        ("'a' < 'b'", "E203", "a number is due, got the text `a`", (4, 7)),
        ("1 == 'a'", "E203", "the number 1 and the text `a` cannot be compared", (4, 12)),
        ("units[0]", "E203", "a mapping is due before the bracket, got a list", (4, 9)),
        ("len(1)", "E203", "a list or a mapping is due, got the number 1", (8, 9)),
        ("sqrt(-1)", "E203", "the root of -1 is not a number", (4, 12)),
        ("log2(0)", "E203", "the logarithm of 0 is not a number", (4, 11)),
        ("nothing + 1", "E203", "a number is due, got empty", (4, 11)),
        ("9223372036854775807 + 1", "E204", "the result is beyond 2^63", (4, 27)),
        ("3e18 * 4", "E204", "the result is beyond 2^63", (4, 12)),
        ("1e999", "E204", "`1e999` is too large", (4, 9)),
        ("1 / 0", "E205", "division by zero", (4, 9)),
        ("1 // (2 - 2)", "E205", "division by zero", (4, 15)),
        ("1 % 0", "E205", "division by zero", (4, 9)),
        ("m['x']", "E209", "the mapping has no key x", (6, 9)),
    ],
)
def test_mistakes_are_placed_and_named(text: str, code: str, message: str, columns: tuple[int, int]) -> None:
    env = {"width": 3, "units": [1, 2], "m": {"a": 1}, "nothing": None}
    with pytest.raises(ExpressionError) as caught:
        value(text, **env)
    error = caught.value
    assert (error.code, error.message, (error.mark.column, error.mark.end_column)) == (code, message, columns)


@pytest.mark.parametrize(
    "text",
    ["(" * 40 + "1" + ")" * 40, "1" + " + 1" * 200, "-" * 200 + "1", "not " * 150 + "true", "1" * 1001,
     "1 if true else " * 40 + "1", "abs(" * 40 + "1" + ")" * 40, "m" + "['a']" * 150],
    ids=["brackets", "sum", "signs", "nots", "long", "ifs", "calls", "keys"],
)  # fmt: skip
def test_long_and_deep_expressions_are_refused(text: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        value(text, m={})
    assert caught.value.code == "E207"


def test_products_of_products_never_grow() -> None:
    text = " * ".join(["1000000000"] * 60)
    with pytest.raises(ExpressionError, match=r"beyond 2\^63"):
        value(text)


def test_fine_fractions_become_floats_before_they_grow() -> None:
    found = value(" * ".join(["0.1234567"] * 30))
    assert found == pytest.approx(0.1234567**30, rel=1e-12)  # 30 roundings of 1e-16


def test_a_quotient_remembers_how_it_came_about() -> None:
    found = value("(depth - 2) / 6", depth=21, width=3)
    assert isinstance(found, Ratio)
    assert found.story() == "(depth - 2) / 6 = 3.167 (depth = 21)"
    again = value("n", n=found)
    assert again is found


def test_the_nearest_name_is_offered() -> None:
    with pytest.raises(ExpressionError) as caught:
        value("widht * 2", width=3, height=4)
    assert caught.value.hint == "did you mean `width`?"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("$w", 4), ("${w * 2}", 8), ("res${w}", "res4"), ("$w/$w", "4/4"), ("$$", "$"), ("a$$b", "a$b"),
        ("$${w}", "${w}"), ("${rate}x", "0.001x"), ("x$flag", "xtrue"), ("${name}", "a b"), ("<$name>", "<a b>"),
        ("${7 / 2}s", "3.5s"), ("${m['}']}", 1), ("plain", "plain"), ("$größe", 3),
    ],
)  # fmt: skip
def test_texts_are_substituted(text: str, expected: object) -> None:
    env = {"w": 4, "rate": 1e-3, "flag": True, "name": "a b", "m": {"}": 1}, "größe": 3}
    assert substitute(quoted(text), env) == expected


@pytest.mark.parametrize(
    ("text", "code", "columns"),
    [("5 $", "E208", (4, 5)), ("$5", "E208", (2, 3)), ("${w", "E201", (2, 5)), ("a ${l} b", "E203", (6, 7))],
)
def test_dollar_signs_that_start_nothing_are_placed(text: str, code: str, columns: tuple[int, int]) -> None:
    with pytest.raises(ExpressionError) as caught:
        substitute(quoted(text), {"w": 1, "l": [1]})
    error = caught.value
    assert (error.code, (error.mark.column, error.mark.end_column)) == (code, columns)


def test_errors_in_a_text_over_several_lines_point_at_its_first() -> None:
    root = node('"a\n  ${nope}"')
    assert isinstance(root, Scalar)
    with pytest.raises(ExpressionError) as caught:
        substitute(root, {})
    assert caught.value.mark == root.mark


def test_the_names_that_an_expression_reads() -> None:
    (first, second) = expressions_in(quoted("${a if b[c] > min(d, 1) else -e} and $f"))
    assert first.names == {"a", "b", "c", "d", "e"}
    assert second.names == {"f"}
    assert first.mark == Mark("net.yaml", 1, 4, 33)


def test_variables_may_be_nodes() -> None:
    widths = node("[64, 128]")
    assert substitute(quoted("$widths"), {"widths": widths}) is widths
    assert value("len(widths)", widths=widths) == 2
    assert value("n + 1", n=node("3")) == 4
