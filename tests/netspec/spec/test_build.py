from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import pytest
from spec_reading import node, said

from netspec.spec.build import build
from netspec.spec.diagnostics import Diagnostics
from netspec.spec.expressions import substitute
from netspec.spec.fields import Entry, Problem, field, fields_of, keys_of
from netspec.spec.marks import Mark
from netspec.spec.nodes import Mapping, Node, Scalar, node_of
from netspec.spec.registry import Registering, Registry

KINDS = Registry("part type")
part = Registering(KINDS)
COLOURS = Registry("colour", any_case=True)
colour = Registering(COLOURS)


class Colour(Entry):
    """A colour."""

    registry = COLOURS
    default_type = "grey"


@colour(name="grey")
class Grey(Colour):
    """Grey."""

    value: float = field(0.5, minimum=0, maximum=1, doc="brightness")


@colour(name="red", aliases=("rouge",))
class Red(Colour):
    """Red."""


class Part(Entry):
    """What all parts have."""

    registry = KINDS
    extra_keys: ClassVar[tuple[str, ...]] = ("repeat",)

    name: str = field("", doc="its name")
    if_: Node | None = field(None, doc="whether")


@part(aliases=("Screw",))
class Bolt(Part):
    """A bolt."""

    length: int = field(minimum=1, doc="how long", alias="size")
    widths: tuple[int, ...] = field((), minimum=0, doc="how wide")
    pair: tuple[float, float] | None = field(None, doc="two of them")
    pitch: float = field(1.0, above=0, below=10, doc="how steep")
    head: str = field("HEX", choices=("HEX", "FLAT"), doc="its form")
    label: str | None = field(None, doc="a text")
    hollow: bool = field(False, doc="whether")
    colour: Colour | None = field(None, doc="its colour")
    iters: int | dict[str, int] | None = field(None, doc="one or one each")

    def problems(self) -> Iterator[Problem]:
        """A hollow bolt of length 1 is none."""
        if self.hollow and self.length == 1:
            yield Problem("E511", "hollow", "too short to be hollow", "hollow: false")
        if self.label == "odd":
            yield Problem("W123", None, "an odd label", severity="warning")


@part
class Nut(Part):
    """A nut."""

    metric: str = field("M3", doc="which")


def built(text: str, cls: type[Entry] = Part) -> tuple[Entry | None, Diagnostics]:
    diagnostics = Diagnostics()
    return build(cls, node(text), diagnostics, layer="a"), diagnostics


def test_a_right_entry_is_built_with_marks_and_defaults() -> None:
    entry, diagnostics = built(
        "{type: Bolt, name: a, length: 3, widths: 4, head: flat, colour: {value: 0.25}, iters: {x: 2}}"
    )
    assert said(diagnostics) == []
    assert entry == Bolt(name="a", length=3, widths=(4,), head="FLAT", colour=Grey(value=0.25), iters={"x": 2})
    assert entry.marks["length"] == Mark("net.yaml", 1, 31, 32)
    assert entry.mark == Mark("net.yaml", 1, 20, 21)
    assert (entry.given("widths"), entry.given("pitch")) == (True, False)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{length: 1e1}", {"length": 10}),
        ("{length: 2.0}", {"length": 2}),
        ("{size: 3}", {"length": 3}),
        ("{length: 1, pitch: 2}", {"pitch": 2.0}),
        ("{length: 1, pair: [1, 2]}", {"pair": (1.0, 2.0)}),
        ("{length: 1, pair: null}", {"pair": None}),
        ("{length: 1, label: '12'}", {"label": "12"}),
        ("{length: 1, colour: ROUGE}", {"colour": Red()}),
        ("{length: 1, colour: {type: red}}", {"colour": Red()}),
        ("{length: 1, colour: {value: 1}}", {"colour": Grey(value=1.0)}),
        ("{length: 1, iters: 3, repeat: 2}", {"iters": 3}),
    ],
)
def test_values_are_converted(text: str, expected: dict[str, object]) -> None:
    entry, diagnostics = built(text.replace("{", "{type: Bolt, ", 1))
    assert said(diagnostics) == []
    assert entry is not None
    assert {name: getattr(entry, name) for name in expected} == expected
    assert {name: type(getattr(entry, name)) for name in expected} == {n: type(v) for n, v in expected.items()}


@pytest.mark.parametrize(
    ("pair", "code", "message", "hint"),
    [
        ("lenght: 3", "E501", "unknown key `lenght` in Bolt", "did you mean `length`?"),
        ("metric: M3, length: 1", "E501", "unknown key `metric` in Bolt", "the fields of Bolt are length, widths"),
        ("length: ", "E507", "`length` has no value", "`length`: how long"),
        ("length: x", "E503", "`length` is a whole number, got the text `x`", None),
        ("length: [3]", "E503", "`length` is a whole number, got a list of 1", "write the value without the brackets"),
        ("length: {}", "E503", "`length` is a whole number, got a mapping", None),
        ("length: true", "E503", "`length` is a whole number, got `true`", None),
        ("length: 2.5", "E206", "`length` is a whole number, got 2.5", None),
        ("length: .inf", "E206", "`length` is a whole number, got .inf", None),
        ("length: 0", "E504", "`length` must be at least 1, got 0", None),
        ("length: 9223372036854775808", "E504", "`length` is beyond 2^63, got 9223372036854775808", None),
        ("length: '3'", "E510", '`length` is a whole number, got the text "3"', "write it without quotes: 3"),
        ("length: 010", "E508", "`length` is a whole number; `010` is written with a leading zero", "write 10"),
        ("length: 1_000", "E508", "`length` is a whole number; `1_000` is a number with separators", "write 1000"),
        ("length: 12:30", "E508", "`length` is a whole number; `12:30` is a time", "write a plain number"),
        ("length: 2026-11-21", "E508", "`length` is a whole number; `2026-11-21` is a date", "write a plain number"),
        ("length: 5 epochs", "E509", "`length` is a whole number; `5 epochs` is a number with the unit", "write 5"),
        ("pitch: 64MB", "E509", "`pitch` is a number; `64MB` is a number with the unit `MB`", "write 67108864"),
        ("pitch: '1e-3'", "E510", '`pitch` is a number, got the text "1e-3"', "write it without quotes: 1e-3"),
        ("pitch: 0", "E504", "`pitch` must be in (0, 10), got 0", None),
        ("pitch: 10", "E504", "`pitch` must be in (0, 10), got 10", None),
        ("pitch: .nan", "E504", "`pitch` must be a finite number in (0, 10), got .nan", None),
        ("pitch: .inf", "E504", "`pitch` must be a finite number in (0, 10), got .inf", None),
        ("pitch: no", "E503", "`pitch` is a number, got the text `no`", None),
        ("widths: [1, -1]", "E504", "`widths` must be at least 0, got -1", None),
        ("widths: [1, [2]]", "E503", "`widths` is a whole number, got a list of 1", "write the value without"),
        ("widths: [1, ]", "E502", "Bolt needs `length`", "`length`: how long"),
        ("pair: [1]", "E512", "`pair` takes 2 values, got 1", None),
        ("head: HEXX", "E505", "`head` is one of HEX, FLAT; got `HEXX`", "did you mean `HEX`?"),
        ("label: 12", "E503", "`label` is a text, got the number 12", 'put it in quotes: "12"'),
        ("hollow: no", "E508", "`hollow` is true or false; `no` is text in YAML 1.2", "write false"),
        ("hollow: on", "E508", "`hollow` is true or false; `on` is text in YAML 1.2", "write true"),
        ("hollow: 1", "E503", "`hollow` is true or false, got the number 1", "write true"),
        ("hollow: 'true'", "E510", '`hollow` is true or false, got the text "true"', "write true, without quotes"),
        ("hollow: maybe", "E503", "`hollow` is true or false, got the text `maybe`", None),
        ("colour: gray", "E506", "unknown colour `gray`", "did you mean `grey`?"),
        ("colour: {type: red, value: 1}", "E501", "unknown key `value` in red", None),
        ("colour: [1]", "E503", "a colour is a mapping, got a list of 1", None),
        ("colour: {type: 3}", "E503", "`type` is a name, got the number 3", None),
        ("iters: {x: y}", "E503", "`iters.x` is a whole number, got the text `y`", None),
        ("length: 2, size: 3", "E511", "`size` and `length` are the same field", "delete one of the two"),
        ("hollow: true, length: 1", "E511", "too short to be hollow", "hollow: false"),
    ],
)
def test_each_mistake_is_named(pair: str, code: str, message: str, hint: str | None) -> None:
    rest = "" if "length" in pair or "needs" in message or "lenght" in pair else ", length: 2"
    entry, diagnostics = built(f"{{type: Bolt, name: a, {pair}{rest}}}")
    assert entry is None
    (item,) = diagnostics.items
    assert (item.code, item.layer) == (code, "a")
    assert item.message.startswith(message)
    assert (item.hint or "").startswith(hint or "")


def test_all_problems_of_an_entry_come_at_once_each_at_its_place() -> None:
    entry, diagnostics = built("{type: Bolt, lenth: 3, widths: [x], colour: {valu: 1}, hollow: yes, repeat: 3}")
    assert entry is None
    assert [line.split(" ")[:2] for line in said(diagnostics)] == [
        ["1:14", "E501"], ["1:33", "E503"], ["1:46", "E501"], ["1:64", "E508"],
    ]  # fmt: skip


def test_a_missing_field_is_placed_at_the_name_else_at_the_first_key() -> None:
    assert said(built("{type: Bolt, name: a}")[1]) == ["1:20 E502 Bolt needs `length`"]
    assert said(built("{type: Bolt}")[1]) == ["1:2 E502 Bolt needs `length`"]


def test_types_are_found_by_name_and_alias_and_missed_with_a_hint() -> None:
    assert isinstance(built("{type: Screw, length: 1}")[0], Bolt)
    (item,) = built("{type: bolt, length: 1}")[1].items
    assert (item.code, item.hint) == ("E506", "did you mean `Bolt`?")
    (item,) = built("{type: Zylinder}")[1].items
    assert item.hint == "the part types are Bolt, Nut"
    (item,) = built("{name: a}")[1].items
    assert (item.code, item.message) == ("E502", "`type` is missing")


def test_what_an_unknown_type_shares_with_its_kind_is_checked_all_the_same() -> None:
    assert said(built("{type: Blt, name: 3, lenth: x}")[1]) == [
        "1:8 E506 unknown part type `Blt`",
        "1:19 E503 `name` is a text, got the number 3",
        "1:22 E501 unknown key `lenth` in a part",
    ]


def test_a_key_whose_value_failed_is_not_missing_and_the_rest_is_checked() -> None:
    diagnostics = Diagnostics()
    assert build(Bolt, node("{pitch: 0}"), diagnostics, failed=("size",)) is None
    assert said(diagnostics) == ["1:9 E504 `pitch` must be in (0, 10), got 0"]
    assert build(Bolt, node("{pitch: 1}"), Diagnostics(), failed=("length",)) is None


@pytest.mark.parametrize(
    ("pair", "hint"),
    [
        ("length: 2.5", "write 2 or 3"),
        ("length: 0", "`length`: how long; for instance length: 1"),
        ("length: 1, pitch: -1", "`pitch`: how steep; for instance pitch: 1"),
        ("length: x", "`length`: how long"),
        ("name: a", "`length`: how long; for instance length: 1"),
    ],
)
def test_each_mistake_has_a_remedy(pair: str, hint: str) -> None:
    (item,) = built(f"{{type: Bolt, {pair}}}")[1].items
    assert item.hint == hint


def test_warnings_leave_the_entry_standing() -> None:
    entry, diagnostics = built("{type: Bolt, name: a, length: 1, label: odd}")
    assert entry is not None
    assert [(d.severity, d.code) for d in diagnostics.items] == [("warning", "W123")]


def test_a_quotient_that_is_not_whole_tells_its_story() -> None:
    mapping = node('{type: Bolt, length: "${(depth - 2) / 6}"}')
    assert isinstance(mapping, Mapping)
    length = mapping.get("length")
    assert isinstance(length, Scalar)
    diagnostics = Diagnostics()
    value = node_of(substitute(length, {"depth": 21}), length.mark, length.text)
    assert build(Part, mapping.with_pair("length", value), diagnostics) is None
    assert said(diagnostics) == ["1:22 E206 length: (depth - 2) / 6 = 3.167 (depth = 21) is not a whole number"]


def test_a_value_out_of_an_expression_shows_the_expression() -> None:
    mapping = node('{type: Bolt, length: "${w - 4}"}')
    assert isinstance(mapping, Mapping)
    length = mapping.get("length")
    assert isinstance(length, Scalar)
    diagnostics = Diagnostics()
    value = node_of(substitute(length, {"w": 3}), length.mark, length.text)
    assert build(Part, mapping.with_pair("length", value), diagnostics) is None
    assert said(diagnostics) == ["1:22 E504 `length` must be at least 1, got -1 (`${w - 4}`)"]


def test_keys_that_the_caller_reads_are_passed_over() -> None:
    diagnostics = Diagnostics()
    assert build(Nut, node("{train: 3, metric: M4}"), diagnostics, ignore=("train",)) == Nut(metric="M4")
    assert said(diagnostics) == []


def test_in_python_entries_are_made_by_keywords() -> None:
    assert repr(Bolt(length=3)) == "Bolt(length=3)"
    assert Bolt(length=3) != Bolt(length=4)
    with pytest.raises(TypeError, match=r"unknown fields \['lenth'\], missing fields \['length'\]"):
        Bolt(lenth=3)  # type: ignore[call-arg]


def test_fields_know_their_keys_and_types() -> None:
    assert [info.key for info in fields_of(Nut)] == ["name", "if", "metric"]
    assert keys_of(Bolt)["size"].name == "length"
    assert Bolt(length=3).values()["if"] is None


def test_a_registry_refuses_a_name_twice() -> None:
    with pytest.raises(AssertionError, match="registered twice"):
        KINDS.register(Nut, "Bolt")
