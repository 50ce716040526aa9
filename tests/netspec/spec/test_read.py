from __future__ import annotations

import os
from pathlib import Path

import pytest
import yaml
from spec_reading import node, reading, said

from netspec.spec import read
from netspec.spec.diagnostics import Diagnostics
from netspec.spec.marks import Mark
from netspec.spec.nodes import Mapping, Scalar, Sequence, to_value
from runtime.errors import UsageError


def test_a_mapping_keeps_its_order_and_every_mark() -> None:
    root = node("name: LeNet\nlayers:\n  - {name: a, 'pad': 1}\n")
    assert isinstance(root, Mapping)
    assert root.keys() == ["name", "layers"]
    layers = root.get("layers")
    assert isinstance(layers, Sequence)
    assert layers.mark == Mark("net.yaml", 3, 3, 4)
    entry = layers.items[0]
    assert isinstance(entry, Mapping)
    assert entry.mark == Mark("net.yaml", 3, 5, 6)
    key, pad = entry.key("pad"), entry.get("pad")
    assert key is not None
    assert isinstance(pad, Scalar)
    assert key.mark == Mark("net.yaml", 3, 15, 20)
    assert pad.mark == Mark("net.yaml", 3, 22, 23)
    assert pad.value == 1


def test_columns_count_code_points() -> None:
    root = node("größe: {日本: 1, x: 2}")
    assert isinstance(root, Mapping)
    inner = root.get("größe")
    assert isinstance(inner, Mapping)
    x = inner.key("x")
    assert x is not None
    assert x.mark == Mark("net.yaml", 1, 16, 17)


@pytest.mark.parametrize("break_", ["\n", "\r\n", "\r", "\x85", "\u2028"])
def test_lines_are_counted_as_yaml_counts_them(break_: str) -> None:
    diagnostics = Diagnostics()
    read.read_text(f"a: 1{break_}b: 2{break_}a: 3", "net.yaml", diagnostics)
    (item,) = diagnostics.items
    assert item.mark.line == 3
    assert diagnostics.sources["net.yaml"].line(3) == "a: 3"


def test_an_empty_value_is_null_and_a_quoted_one_is_text() -> None:
    root = node("a: \nb: ''\nc: ~\nd: null\ne: 'null'")
    assert isinstance(root, Mapping)
    empty = root.get("a")
    assert isinstance(empty, Scalar)
    assert empty.is_null
    assert to_value(root) == {"a": None, "b": "", "c": None, "d": None, "e": "null"}


def test_unquoted_expressions_survive_yaml_with_exact_marks() -> None:
    root = node("a: {n: ${w * m['a: b'] # 1}, k: ${[x, y]}, z: 3}")
    assert isinstance(root, Mapping)
    a = root.get("a")
    assert isinstance(a, Mapping)
    n, z = a.get("n"), a.get("z")
    assert isinstance(n, Scalar)
    assert n.text == "${w * m['a: b'] # 1}"
    assert n.mark == Mark("net.yaml", 1, 8, 28)
    assert isinstance(z, Scalar)
    assert z.mark == Mark("net.yaml", 1, 47, 48)


def test_expressions_in_quoted_texts_and_comments_are_left_alone() -> None:
    root = node("""a: "${m[\\"k\\"]}"  # don't: ${x: "y"}\nb: '${m[''k'']}'\nc: it's ${w + 1}, isn't it""")
    assert to_value(root) == {"a": '${m["k"]}', "b": "${m['k']}", "c": "it's ${w + 1}, isn't it"}


def test_unbalanced_quotes_in_a_block_text_do_not_spoil_what_follows() -> None:
    root = node("a: |\n  rock 'n roll ${x y}\nb: 'z ${p q}'\nc: |\n  5 \" tape\nd: \"z ${p q}\"\n")
    assert to_value(root) == {"a": "rock 'n roll ${x y}\n", "b": "z ${p q}", "c": '5 " tape\n', "d": "z ${p q}"}


CASES = {
    "empty": ("", "1:1 E105 the file is empty"),
    "comment": ("# nothing\n", "1:1 E105 the file is empty"),
    "list": ("- a\n", "1:1 E113 a spec is a mapping of `name`, `layers`, ..; this is a list"),
    "word": ("a", "1:1 E113 a spec is a mapping of `name`, `layers`, ..; this is a single value"),
    "nul": ("a: \0", "1:4 E103 U+0000 (a control character) is not allowed in a spec"),
    "escape": ("a: 1\nb: \x1b[2J", "2:4 E103 U+001B (a control character) is not allowed in a spec"),
    "private": ("a: \ue001", "1:4 E103 U+E001 (a private-use character) is not allowed in a spec"),
    "surrogate": ("a: \ud800", "1:4 E103 U+D800 (a surrogate) is not allowed in a spec"),
    "escaped private": ('a: "\\ue001"', "1:4 E103 an escape sequence makes a character that is not allowed"),
    "escaped nul": ('a: "x\\0"', "1:4 E103 an escape sequence makes a character that is not allowed"),
    "documents": ("a: 1\n---\nb: 2", "2:1 E106 a second YAML document starts here; a spec is one"),
    "tag": ("a: !!python/object:os.system x",
            "1:4 E110 YAML tags (`tag:yaml.org,2002:python/object:os.system`) are refused; nothing is constructed"),
    "tagged list": ("a: !mine []", "1:4 E110 YAML tags (`!mine`) are refused; nothing is constructed"),
    "anchor": ("a: &x 1", "1:4 E109 YAML anchors (`&x`) are not used in specs"),
    "alias": ("a: *x", "1:4 E109 YAML aliases (`*x`) are not used in specs"),
    "cycle": ("a: &x [*x]", "1:4 E109 YAML anchors (`&x`) are not used in specs"),
    "merge": ("a: {<<: {b: 1}}", "1:5 E109 YAML merge keys (`<<`) are not used in specs"),
    "list key": ("? [a]\n: 1", "1:3 E111 a key is plain text; this one is a list"),
    "mapping key": ("a: {{b: 1}: 2}", "1:5 E111 a key is plain text; this one is a mapping"),
    "twice": ("a: 1\nb: 2\n'a': 3", "3:1 E112 key `a` is written twice"),
    "tab": ("a:\n\tb: 1", "2:1 E104 a tab indents this line; YAML takes spaces only"),
    "glued colon": ("name:x\nlayers: []", "1:5 E104 there is no space after this colon"),
    "glued colon further down": ("- a: 1\n  b:2\n  c: 3", "2:4 E104 there is no space after this colon"),
    "no colon": ("name x\nlayers: []", "1:1 E104 this line is no `key: value`"),
    "bracket": ("a: [1, 2\nb: 3", "1:4 E104 this list is never closed, or lacks a comma"),
    "brace": ("a:\n  - {b: 1\n  - {c: 2}", "2:5 E104 this mapping is never closed, or lacks a comma"),
    "quote": ("a: 'b\nc: 1\n", "1:4 E104 a quoted text is never closed"),
    "two colons": ("a: b: c", "1:5 E104 a `key: value` cannot stand here"),
    "escape sequence": ('a: "\\q"', "1:5 E104 this escape sequence is not known"),
    "at sign": ("a: @b", "1:4 E104 `@` cannot start a value"),
    "indentation": ("a:\n  - b\n - c", "3:2 E104 this line does not belong to the mapping above"),
    "directive": ("%FOO\na: 1", "1:5 E104 this is not YAML"),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_each_refusal_has_a_place_and_a_sentence(case: str) -> None:
    text, expected = CASES[case]
    _, diagnostics = reading(text)
    assert said(diagnostics)[0] == expected
    assert diagnostics.items[0].hint


def test_the_place_of_a_missing_bracket_is_where_it_was_opened() -> None:
    _, diagnostics = reading("a: 1\nb: [1,\n  2\nc: 3\n")
    (item,) = diagnostics.items
    assert item.mark == Mark("net.yaml", 2, 4, 5)
    assert item.notes[0] == "the end was still missing at net.yaml:4:2"
    assert item.hint == "a `[` on this line has no `]`"


def test_all_problems_that_leave_a_tree_are_reported_at_once() -> None:
    root, diagnostics = reading("a: &x 1\na: 2\nb: !t 3\n<<: {}\n")
    assert [line.split(" ", 2)[1] for line in said(diagnostics)] == ["E109", "E112", "E110", "E109"]
    assert root is not None


def test_a_duplicate_key_shows_both_places_and_the_first_value_stays() -> None:
    root, diagnostics = reading("a: 1\na: 2\n")
    (item,) = diagnostics.items
    assert [(r.text, r.mark) for r in item.related] == [("first written here", Mark("net.yaml", 1, 1, 2))]
    assert root is not None
    assert to_value(root) == {"a": 1}


def test_sixty_four_levels_are_read_and_one_more_is_not() -> None:
    deepest = read.MAX_DEPTH - 1  # the mapping around counts
    assert said(reading("a: " + "[" * deepest + "]" * deepest)[1]) == []
    _, diagnostics = reading("a: " + "[" * (deepest + 1) + "]" * (deepest + 1))
    assert said(diagnostics) == ["1:67 E107 lists and mappings are nested deeper than 64"]


def test_one_value_too_many_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(read, "MAX_NODES", 5)
    assert said(reading("a: [1, 2]\n")[1]) == []
    assert said(reading("a: [1, 2, 3]\n")[1]) == ["1:11 E108 the file has more than 5 values"]


def test_a_byte_order_mark_is_skipped(tmp_path: Path) -> None:
    path = tmp_path / "net.yaml"
    path.write_bytes(b"\xef\xbb\xbfa: 1\n")
    root = read.read_file(path, Diagnostics())
    assert root is not None
    assert root.pairs[0][0].mark.column == 1


@pytest.mark.parametrize(
    ("data", "place", "message"),
    [
        (b"a: 1\nb: gr\xf6sse", (2, 6), "byte 0xf6 at offset 10 is not UTF-8 (invalid start byte)"),
        (b"a: \xed\xa0\x80", (1, 4), "byte 0xed at offset 3 is not UTF-8 (invalid continuation byte)"),
        (b"\xff\xfea\x00", (1, 1), "byte 0xff at offset 0 is not UTF-8 (invalid start byte)"),
        (b"a: \xc0\xaf", (1, 4), "byte 0xc0 at offset 3 is not UTF-8 (invalid start byte)"),
    ],
    ids=["latin-1", "surrogate", "utf-16", "overlong"],
)
def test_bytes_that_are_not_utf8_are_named_with_their_offset(
    tmp_path: Path, data: bytes, place: tuple[int, int], message: str
) -> None:
    path = tmp_path / "net.yaml"
    path.write_bytes(data)
    diagnostics = Diagnostics()
    assert read.read_file(path, diagnostics) is None
    (item,) = diagnostics.items
    assert (item.code, item.message, (item.mark.line, item.mark.column)) == ("E102", message, place)


def test_a_file_of_more_than_8_mib_is_refused_by_its_size(tmp_path: Path) -> None:
    path = tmp_path / "net.yaml"
    with path.open("wb") as stream:
        stream.truncate(50 * 2**20)  # sparse: never read
    diagnostics = Diagnostics()
    assert read.read_file(path, diagnostics) is None
    (item,) = diagnostics.items
    assert item.code == "E101"
    assert item.message == "the file has 52,428,800 bytes; a spec has at most 8,388,608"


def test_a_missing_file_a_folder_and_a_fifo_are_usage_errors(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    for name, why in (("no.yaml", "no such file"), (".", "it is a folder"), ("fifo", "it is no regular file")):
        with pytest.raises(UsageError, match=why) as caught:
            read.read_file(tmp_path / name, Diagnostics())
        assert caught.value.exit_code == 2


def test_a_path_with_a_nul_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="cannot read the spec"):
        read.read_file("a\0b", Diagnostics())


@pytest.mark.parametrize("case", CASES)
def test_the_pure_python_loader_refuses_the_same(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    text, expected = CASES[case]
    monkeypatch.setattr(read, "_Loader", yaml.SafeLoader)
    _, diagnostics = reading(text)
    assert said(diagnostics)[0].split(" ")[1] == expected.split(" ")[1]


def test_the_pure_python_loader_builds_the_same_tree(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "a: {n: ${w * 2}, b: [1, \"x\", 'y', ]}\nc:\n  - d: 1e-3\n    e:\n"
    fast = node(text)
    monkeypatch.setattr(read, "_Loader", yaml.SafeLoader)
    assert node(text) == fast
