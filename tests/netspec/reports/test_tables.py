"""Numbers and names as people read them."""

from __future__ import annotations

import pytest

from netspec.reports import tables


@pytest.mark.parametrize(
    ("n", "text"),
    [(0, "0"), (999, "999"), (1000, "1 k"), (37_601_280, "37.6 M"), (1.13e10, "11.3 G"), (2e13, "20 T")],
)
def test_counts_have_three_digits_and_a_power(n, text):
    assert tables.scaled(n) == text


def test_units_follow_the_power():
    assert (tables.size(5_136_896), tables.size(12), tables.scaled(3e9, "FLOP")) == ("5.14 MB", "12 B", "3 GFLOP")


def test_shapes_and_counts():
    assert (tables.shape((64, 20, 24, 24)), tables.shape(())) == ("64 x 20 x 24 x 24", "scalar")
    assert tables.count(60_192_808) == "60,192,808"


def test_markup_in_a_name_stays_a_name():
    made = tables.table(("blob [red]", "n"), [("[conv1/weights]", "1"), ("[/]", "2")], right=(1,))
    text = tables.text(made, "[bold]line[/bold]")
    assert all(name in text for name in ("blob [red]", "[conv1/weights]", "[/]", "[bold]line[/bold]"))


def test_lines_hold_no_spaces_at_their_end():
    made = tables.table(("a", "b"), [("x", ""), ("long", "y")])
    assert all(line == line.rstrip() for line in tables.text(made).splitlines())


WIDE = tables.table(
    ("name", "n", "found"),
    [
        ("res2/1/branch/conv2", "1,234", "words that go on and on until there is no room for them at all"),
        ("b", "5", ""),
    ],
    right=(1,),
    wrap=(2,),
)


@pytest.mark.parametrize("width", [40, 60, 80])
def test_a_table_fits_the_terminal(width):
    text = tables.text(WIDE, width=width)
    assert max(map(len, text.splitlines())) <= width
    assert "1,234" in text  # numbers are never cut
    assert text.count("words") == 1
    assert text.split()[-1] == "5"


def test_a_name_without_room_loses_its_middle():
    assert tables.shortened("res2/1/branch/conv2", 11) == "res2..conv2"
    assert tables.shortened("conv2", 5) == "conv2"


def test_columns_are_left_out_where_there_is_no_room():
    made = tables.table(("name", "a", "b"), [("n" * 30, "1" * 20, "2" * 20)], right=(1, 2), drop=(1,), least={0: 20})
    assert "1" not in tables.text(made, width=45)
    assert "1" in tables.text(made, width=80)


def test_a_long_line_goes_on_below_its_text():
    line = "memory        params 241 MB, gradients 241 MB, solver 241 MB"
    assert tables.wrapped(line, 40) == "memory        params 241 MB, gradients\n              241 MB, solver 241 MB"


@pytest.mark.parametrize(("columns", "width"), [("80", 80), ("", 100), ("20", 40), ("no", 100)])
def test_the_width_is_that_of_columns_else_100(monkeypatch, columns, width):
    monkeypatch.setenv("COLUMNS", columns)
    monkeypatch.setattr("sys.__stdout__", None)  # no terminal
    assert tables.terminal_width() == width


def test_prose_loses_underlines_and_double_backticks():
    assert tables.plain_prose("Notes\n-----\n    Uses ``x``.") == "Notes\n    Uses `x`."


def test_control_characters_of_a_name_are_made_visible():
    assert "\\x1b" in tables.text(tables.table(("a",), [("\x1b[31m",)]))
