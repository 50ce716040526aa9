from __future__ import annotations

import pytest

from netspec.spec.diagnostics import LIMIT, Diagnostic, Diagnostics, Related, SpecError, did_you_mean, nearest
from netspec.spec.marks import Mark, Source
from netspec.spec.render import SHOWN, WIDTH, escaped, render, summary


def mark(line: int, column: int, length: int = 1, file: str = "net.yaml") -> Mark:
    return Mark(file, line, column, column + length)


def shown(text: str, place: Mark, **more: object) -> str:
    sources = {"net.yaml": Source("net.yaml", text)}
    item = Diagnostic("error", "E501", "unknown key `nun_output`", place, **more)  # type: ignore[arg-type]
    return render([item], sources)


def test_diagnostics_are_sorted_by_place() -> None:
    found = Diagnostics()
    found.error("E502", mark(3, 1), "c")
    found.warning("W101", mark(1, 5), "b")
    found.note("E501", mark(1, 2), "a")
    found.error("E501", Mark("a.yaml", 9, 9, 9), "first file")
    assert [d.message for d in found.items] == ["first file", "a", "b", "c"]
    assert found.error_count == 2


def test_the_same_finding_at_the_same_place_is_kept_once() -> None:
    found = Diagnostics()
    for turn in range(3):
        with found.inside([(f"res2/{turn}", mark(40, 5))]):
            found.error("E501", mark(3, 1), "unknown key `x`")
    (item,) = found.items
    assert item.notes == ("in res2/0, called at line 40",)
    assert found.error_count == 3  # each turn has failed


def test_calls_are_named_from_the_inside_out() -> None:
    found = Diagnostics()
    with found.inside([("stage", mark(50, 1)), ("stage/res2/1", mark(40, 1))]):
        found.error("E501", mark(3, 1), "unknown key `x`", notes=["why: no"])
    assert found.items[0].notes == ("why: no", "in stage/res2/1, called at line 40", "in stage, called at line 50")


def test_an_unknown_code_is_a_bug() -> None:
    with pytest.raises(AssertionError, match="E000"):
        Diagnostics().error("E000", mark(1, 1), "x")


def test_errors_raise_with_everything_found() -> None:
    found = Diagnostics()
    found.raise_if_errors()
    found.warning("W101", mark(1, 1), "w")
    found.raise_if_errors()
    found.error("E501", mark(2, 1), "e")
    with pytest.raises(SpecError) as caught:
        found.raise_if_errors()
    assert caught.value.exit_code == 1
    assert caught.value.diagnostics is found
    assert str(caught.value).startswith("warning[W101]: w\n --> net.yaml:1:1")


def test_a_thousand_findings_end_the_reading() -> None:
    found = Diagnostics()
    for line in range(LIMIT - 1):
        found.error("E501", mark(line + 1, 1), "x")
    with pytest.raises(SpecError):
        found.error("E501", mark(LIMIT, 1), "x")
    assert len(found.items) == LIMIT


def test_endless_texts_are_cut_in_messages() -> None:
    found = Diagnostics()
    found.error("E501", mark(1, 1), "unknown key `" + "x" * 100_000 + "`", hint="y" * 100_000)
    (item,) = found.items
    assert len(item.message) < 700
    assert item.message.endswith("xx`")
    assert item.hint is not None
    assert len(item.hint) < 700


def test_the_json_object_has_the_keys_of_interfaces() -> None:
    found = Diagnostics()
    found.error("E112", mark(4, 7, 10), "twice", layer="conv1", hint="delete", related=[Related("first", mark(1, 1))])
    assert found.to_dict() == {
        "diagnostics": [
            {
                "severity": "error", "code": "E112", "message": "twice", "file": "net.yaml", "line": 4, "column": 7,
                "layer": "conv1", "hint": "delete", "notes": ["first at net.yaml:1:1"],
            }
        ]
    }  # fmt: skip


def test_the_caret_stands_under_the_exact_value() -> None:
    text = "layers:\n  - name: conv1\n    type: Convolution\n      nun_output: 20\n"
    place = mark(4, 7, 10)
    notes = ("why: no such field", "in a, called at line 9")
    assert shown(text, place, hint="did you mean `num_output`?", notes=notes) == (
        "error[E501]: unknown key `nun_output`\n"
        " --> net.yaml:4:7\n"
        "  |\n"
        "4 |       nun_output: 20\n"
        "  |       ^^^^^^^^^^\n"
        "  = why: no such field\n"
        "  = note: in a, called at line 9\n"
        "  = help: did you mean `num_output`?"
    )


def test_a_second_place_is_shown_with_its_line() -> None:
    text = "\n" * 8 + "a: 1\na: 2\n"
    assert shown(text, mark(10, 1), related=(Related("first written here", mark(9, 1)),)) == (
        "error[E501]: unknown key `nun_output`\n"
        "  --> net.yaml:10:1\n"
        "   |\n"
        "10 | a: 2\n"
        "   | ^\n"
        "  ::: net.yaml:9:1\n"
        "   |\n"
        " 9 | a: 1\n"
        "   | - first written here"
    )


@pytest.mark.parametrize(
    ("line", "place", "expected"),
    [
        ("\ta:\tx", (5, 1), ["1 |     a:  x", "  |         ^"]),
        ("日本: x", (5, 1), ["1 | 日本: x", "  |       ^"]),
        ("e\u0301a: x", (6, 1), ["1 | e\u0301a: x", "  |     ^"]),
        ("a\x1b[2J: x", (8, 1), ["1 | a\\x1b[2J: x", "  | " + " " * 10 + "^"]),
        ("a\u202eb: x", (6, 1), ["1 | a\\u202eb: x", "  | " + " " * 10 + "^"]),
        ("日本", (1, 2), ["1 | 日本", "  | ^^^^"]),
        ("a:", (3, 0), ["1 | a:", "  |   ^"]),
        ("a: 'x", (4, 90), ["1 | a: 'x", "  |    ^^"]),
    ],
    ids=["tabs", "wide", "combining", "escape", "direction", "wide mark", "end of line", "over the end"],
)
def test_the_caret_is_right_under_any_character(line: str, place: tuple[int, int], expected: list[str]) -> None:
    assert shown(line, mark(1, *place)).splitlines()[3:] == expected


@pytest.mark.parametrize("column", [1, 60, 400, 999])
def test_a_long_line_is_cut_around_the_caret(column: int) -> None:
    text = "".join(chr(ord("a") + n % 26) for n in range(1000))
    _, _, _, line, pointer = shown(text, mark(1, column)).splitlines()
    assert len(line) <= WIDTH + 8
    assert line[pointer.index("^")] == text[column - 1]


def test_messages_cannot_drive_a_terminal() -> None:
    found = Diagnostics()
    found.error("E501", Mark("a\x1b[2J.yaml", 1, 1, 2), "unknown key `\x1b[31m\n\r\t\x9b`", hint="\x07")
    text = found.render()
    assert text.isprintable() or text.replace("\n", "").isprintable()
    assert escaped("\x1b\n\U000e0001[conv1/weights]") == "\\x1b\\n\\U000e0001[conv1/weights]"


def test_colours_only_surround_words() -> None:
    found = Diagnostics()
    found.error("E501", mark(1, 1), "x", hint="y")
    coloured = found.render(colour=True)
    assert "\x1b[1;31merror[E501]\x1b[0m" in coloured
    assert "\x1b" not in found.render()


def test_a_place_without_a_source_is_still_named() -> None:
    assert render([Diagnostic("note", "E501", "x", mark(7, 3))], {}) == "note[E501]: x\n --> net.yaml:7:3"


def test_only_the_first_fifty_are_shown() -> None:
    items = [Diagnostic("error", "E501", f"m{n}", mark(n + 1, 1)) for n in range(SHOWN + 3)]
    text = render(items, {})
    assert text.endswith("and 3 more (`--format json` has all)")
    assert f"m{SHOWN}" not in text


def test_the_summary_counts() -> None:
    items = [Diagnostic(s, "E501", "m", mark(1, 1)) for s in ("error", "warning", "error", "note")]  # type: ignore[arg-type]
    assert summary(items) == "2 errors, 1 warning, 1 note"
    assert summary([]) == ""


def test_nearest_names() -> None:
    names = ["num_output", "kernel_size", "Convolution"]
    assert nearest("nun_output", names) == "num_output"
    assert nearest("CONVOLUTION", names) == "Convolution"
    assert nearest("zzz", names) is None
    assert did_you_mean("kernelsize", names) == "did you mean `kernel_size`?"
    assert did_you_mean("zzz", names) is None
