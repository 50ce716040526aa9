from __future__ import annotations

import math

import pytest

from netspec.spec import scalars


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", None), ("~", None), ("null", None), ("true", True), ("False", False), ("0", 0), ("-3", -3), ("+4", 4),
        ("1e-3", 0.001), ("1e3", 1000.0), ("1E5", 1e5), ("1e+3", 1000.0), ("-.5", -0.5), (".5", 0.5), ("1.", 1.0),
        ("6.02e23", 6.02e23), ("0x1F", 31), ("0o10", 8), (".inf", math.inf), ("-.INF", -math.inf),
        ("x", "x"), ("on", "on"), ("no", "no"), ("010", "010"), ("1_000", "1_000"), ("12:30", "12:30"),
        ("2026-11-21", "2026-11-21"), ("1e", "1e"), ("e3", "e3"), ("=", "="), ("<<", "<<"), ("-", "-"), (".", "."),
        ("1.2.3", "1.2.3"), ("٣", "٣"), ("0b1", "0b1"), ("tRUE", "tRUE"), ("nan", "nan"),
    ],
)  # fmt: skip
def test_plain_scalars_follow_the_core_rules(text: str, expected: object) -> None:
    found = scalars.resolve(text)
    assert found == expected
    assert type(found) is type(expected)


def test_nan_is_read() -> None:
    found = scalars.resolve(".nan")
    assert isinstance(found, float)
    assert math.isnan(found)


@pytest.mark.parametrize("text", ["1", "true", "null", "", ".nan", "1e-3"])
def test_what_is_quoted_is_text(text: str) -> None:
    assert scalars.resolve(text, quoted=True) == text


def test_a_number_of_a_million_digits_stays_text() -> None:
    assert scalars.resolve("9" * 1_000_000) == "9" * 1_000_000


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("010", ("written with a leading zero (octal to some readers, decimal to others)", "10")),
        ("-007", ("written with a leading zero (octal to some readers, decimal to others)", "-7")),
        ("000", ("written with a leading zero (octal to some readers, decimal to others)", "0")),
        ("1_000", ("a number with separators between its digits", "1000")),
        ("1,000", ("a number with separators between its digits", "1000")),
        ("1 000 000", ("a number with separators between its digits", "1000000")),
        ("0,5", ("a number with a decimal comma", "0.5")),
        ("12:30", ("a time (YAML 1.1 would have read it in base 60)", None)),
        ("2026-11-21", ("a date", None)),
        ("inf", ("the name of a special value", ".inf")),
        ("50%", ("a percentage", "0.5")),
        ("1/3", ("a fraction", '"${1 / 3}"')),
        ("5 epochs", ("a number with the unit `epochs`", "5")),
        ("64MB", ("a number with the unit `MB`", "67108864")),
        ("1.5 GiB", ("a number with the unit `GiB`", "1610612736")),
        ("3px", ("a number with the unit `px`", "3")),
        ("many", None),
        ("3 of 4", None),
    ],
)
def test_what_looks_like_a_number_is_explained(text: str, expected: object) -> None:
    assert scalars.number_meant(text) == expected


@pytest.mark.parametrize(("text", "expected"), [("on", "true"), ("NO", "false"), ("tRUE", "true"), ("maybe", None)])
def test_booleans_of_other_readers_are_known(text: str, expected: str | None) -> None:
    assert scalars.boolean_meant(text) == expected


@pytest.mark.parametrize(
    ("number", "expected"),
    [(3, "3"), (2.0, "2"), (0.1, "0.1"), (1e-5, "1e-5"), (1e22, "1e22"), (1.5e-7, "1.5e-7"), (100000.0, "100000"),
     (math.inf, ".inf"), (-math.inf, "-.inf"), (math.nan, ".nan")],
)  # fmt: skip
def test_numbers_are_printed_as_short_as_they_read_back(number: float, expected: str) -> None:
    assert scalars.shortest(number) == expected
