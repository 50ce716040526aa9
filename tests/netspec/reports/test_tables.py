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
