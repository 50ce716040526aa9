"""Tables in text: the numbers of the columns, and the place of every cell that is none."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.data.open import open_stream
from runtime.data.recipe import CsvFile, Recipe, Transform
from runtime.data.table import LONGEST_LINE, read_table
from runtime.errors import DataError


def table(path, text: str | bytes, **fields) -> CsvFile:
    path = path / "t.csv"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return CsvFile(**{"path": path, "columns": (("a", "b"), ("c",)), "single": (False, True), **fields})


def wrong(path, text: str | bytes, **fields) -> str:
    with pytest.raises(DataError) as caught:
        read_table(table(path, text, **fields))
    return str(caught.value).removeprefix(str(path) + "/")


def test_columns_come_by_their_names_in_the_order_they_are_asked_for(tmp_path):
    items = read_table(table(tmp_path, "c,x,b,a\n1.5,9,3,2\n2.5,9,5,4\n"))
    np.testing.assert_array_equal(items.arrays[0], [[2, 3], [4, 5]])
    np.testing.assert_array_equal(items.arrays[1], [1.5, 2.5])
    assert not items.pictures


def test_one_column_of_whole_numbers_may_be_a_class(tmp_path):
    items = read_table(table(tmp_path, "a,b,c\n1,2,0\n1,2,3.0\n1,2,1e0\n"))
    assert items.arrays[1].tolist() == [0, 3, 1]
    assert items.is_label(1)
    assert not read_table(table(tmp_path, "a,b,c\n1,2,0\n1,2,3e9\n")).is_label(1)


def test_quotes_blanks_a_byte_order_mark_empty_lines_and_carriage_returns_are_no_matter(tmp_path):
    text = '\ufeff"a", b ,c\r\n" 1 ",2,"3"\r\n\r\n4,5,6\r\n'
    np.testing.assert_array_equal(read_table(table(tmp_path, text)).arrays[0], [[1, 2], [4, 5]])


def test_another_delimiter(tmp_path):
    items = read_table(table(tmp_path, "a;b;c\n1;2;3\n", delimiter=";"))
    assert items.arrays[0].tolist() == [[1, 2]]


def test_names_of_classes_are_their_numbers(tmp_path):
    names = ("setosa", "virginica")
    items = read_table(table(tmp_path, "a,b,c\n1,2,virginica\n1,2,setosa\n1,2,1\n", class_names=names))
    assert items.arrays[1].tolist() == [1, 0, 1]
    assert wrong(tmp_path, "a,b,c\n1,2,rose\n", class_names=names) == (
        "t.csv:2:5: column c: 'rose' is no finite number, nor one of the class_names setosa, virginica"
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "a,b,c\n1,2,3\n4,x,6\n",
            "t.csv:3:3: column b: 'x' is no finite number; if it names a class: class_names: [x, ..]",
        ),
        ("a,b,c\n1,,3\n", "t.csv:2:3: column b: the value is missing; fill it in or take the row out"),
        ("a,b,c\n1,2,NaN\n", "t.csv:2:5: column c: the value is missing ('NaN'); fill it in or take the row out"),
        ("a,b,c\n1,2,inf\n", "t.csv:2:5: column c: 'inf' is no finite number"),
        ("a,b,c\n1,2,1e999\n", "t.csv:2:5: column c: '1e999' is no finite number"),
        ("a,b,c\n1,2,1_000\n", "t.csv:2:5: column c: '1_000' is no finite number"),
        ("a,b,c\n1,2,0x10\n", "t.csv:2:5: column c: '0x10' is no finite number"),
        ("a,b,c\n1,2,\u0661\n", "t.csv:2:5: column c: '\u0661' is no finite number"),
        ("a,b,c\n1,2,3\n4,5\n", "t.csv:3: 2 cells, the header has 3 columns"),
        ("a,b,c\n1,2,3,4\n", "t.csv:2: 4 cells, the header has 3 columns"),
        ("a,b,d\n1,2,3\n", "t.csv:1: no column is called 'c'; the header names a, b, d"),
        ("a,b,cc\n1,2,3\n", "t.csv:1: no column is called 'c'; the header names a, b, cc; did you mean 'cc'?"),
        ("a,b,c,c\n1,2,3,4\n", "t.csv:1: two columns are called 'c'; the header names a, b, c, c"),
        ("1,2,3\n4,5,6\n", "t.csv:1: no column is called 'a'; the header names 1, 2, 3"),
        ("a,b,c\n", "t.csv: no rows below the header"),
        ("\n\n", "t.csv: no header: the first line names the columns"),
        ("", "t.csv: empty file"),
        ('a,b,c\n"1,2,3\n', "t.csv:2: unexpected end of data"),
        ('a,b,c\n"1"x,2,3\n', "t.csv:2: ',' expected after '\"'"),
        (b"a,b,c\n1,2,\xff\n", "t.csv:2: not UTF-8: invalid start byte"),
        (b"a,b,c\n1,\0,3\n", "t.csv:2:3: column b: '\\x00' is no finite number"),
        ('"a\nz",b,c,a\n1,"\n\n?",3,4\n', "t.csv:3:3: column b: the value is missing ('\\n\\n?'); "
         "fill it in or take the row out"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_by_file_line_and_column(tmp_path, text, message):
    assert wrong(tmp_path, text) == message


def test_a_cell_behind_quotes_with_lines_in_them_is_found(tmp_path):
    assert wrong(tmp_path, 'x,a,b,c\n"1\n,2",3,4,no\n').startswith("t.csv:3:9: column c: 'no'")


def test_a_line_of_ten_megabytes_is_refused_where_it_is(tmp_path):
    text = "a,b,c\n1,2,3\n" + "9" * 10_000_000
    assert wrong(tmp_path, text) == f"t.csv:3: a line of more than {LONGEST_LINE} bytes"


def test_a_long_cell_is_cut_short_in_the_message(tmp_path):
    assert len(wrong(tmp_path, "a,b,c\n1,2," + "z" * 100_000 + "\n")) < 120


def test_a_header_of_many_and_long_names_is_cut_short_in_the_message(tmp_path):
    assert len(wrong(tmp_path, ",".join("z" * 10_000 for _ in range(90)) + "\n")) < 700


def test_a_missing_file_says_so(tmp_path):
    with pytest.raises(DataError, match=r"absent\.csv: No such file or directory \(errno 2\)"):
        read_table(CsvFile(path=tmp_path / "absent.csv", columns=(("a",),), single=(True,)))


@given(rows=st.lists(st.tuples(*[st.floats(allow_nan=False, allow_infinity=False)] * 3), min_size=1, max_size=5))
def test_numbers_come_back_to_the_bit(tmp_path_factory, rows):
    text = "a,b,c\n" + "".join(",".join(map(repr, row)) + "\n" for row in rows)
    items = read_table(table(tmp_path_factory.mktemp("csv"), text))
    read = [(*pair, c) for pair, c in zip(items.arrays[0].tolist(), items.arrays[1].tolist(), strict=True)]
    assert read == rows
    assert all(map(math.isfinite, items.arrays[0].ravel()))


def test_mean_and_scale_act_on_the_columns_of_the_first_top(tmp_path):
    files = table(tmp_path, "a,b,c\n1,2,3\n5,6,7\n")
    transform = Transform(mean=(1.0, 2.0), scale=0.5)
    recipe = Recipe(name="csv", files=files, tops=("x", "y"), batch_size=2, transform=transform)
    batch = open_stream(recipe, seed=0).next()
    np.testing.assert_array_equal(batch["x"], np.array([[0, 0], [2, 2]], np.float32))
    assert (batch["y"].tolist(), batch["y"].dtype) == ([3, 7], np.int32)
