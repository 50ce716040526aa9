"""The commands that explain: layers, explain, schema."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from netspec.cli.main import main
from netspec.spec.codes import CODES
from netspec.spec.registry import LAYERS, SOLVERS, SOURCES, Registry


def output(*arguments: str) -> str:
    result = CliRunner().invoke(main, list(arguments))
    assert (result.exit_code, result.stderr) == (0, "")
    return result.stdout


def test_layers_lists_every_type_with_a_line() -> None:
    listed = {line.split()[0]: line for line in output("layers").splitlines() if line.startswith("  ")}
    assert {cls.type_name for cls in LAYERS} <= listed.keys()
    assert listed["ReLU"].endswith("`y = x if x > 0 else negative_slope * x`.")


def test_layers_type_shows_fields_with_types_defaults_and_docs() -> None:
    lines = output("layers", "Pooling").splitlines()
    assert lines[0] == "Pooling (layer type)"
    rows = [line.split() for line in lines]
    assert any(row[:5] == ["pool", "MAX", "|", "AVE", "|"] and row[-1] == "value" for row in rows)
    assert any(row[:3] == ["global_pooling", "bool", "false"] for row in rows)
    assert "Fields of every layer" in lines


@pytest.mark.parametrize("width", [60, 80, 120])
@pytest.mark.parametrize("name", [None, "npz", "Convolution", "SGD"])
def test_layers_fits_the_terminal(monkeypatch: pytest.MonkeyPatch, name: str | None, width: int) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    found = output("layers", *([name] if name else []))
    assert [line for line in found.splitlines() if len(line) > width] == []
    assert "``" not in found
    assert "----" not in found


def test_layers_as_json_has_the_keys_of_interfaces() -> None:
    (document,) = json.loads(output("layers", "ReLU", "--format", "json"))["layers"]
    assert document["type"] == "ReLU"
    assert document["doc"].startswith("Rectified linear unit")
    (slope,) = document["fields"]
    expected = {"name": "negative_slope", "type": "float", "default": 0.0, "doc": "factor for x <= 0"}
    assert {key: slope[key] for key in expected} == expected


def test_all_layers_as_json() -> None:
    found = json.loads(output("layers", "--format", "json"))["layers"]
    assert [entry["type"] for entry in found] == LAYERS.names()
    assert all(entry["doc"] and all(f["doc"] for f in entry["fields"]) for entry in found)


@pytest.mark.parametrize("name", ["xavier", "SGD", "mnist"])
def test_layers_knows_fillers_solvers_and_sources_too(name: str) -> None:
    assert output("layers", name).startswith(f"{name} (")


def test_layers_knows_the_policies_too() -> None:
    assert output("layers", "step").startswith("step (lr policy)")
    assert "stepsize" in output("layers", "step")
    (document,) = json.loads(output("layers", "step", "--format", "json"))["layers"]
    assert [entry["name"] for entry in document["fields"]] == ["base_lr", "gamma", "stepsize"]
    assert output("layers", "Sigmoid").startswith("Sigmoid (layer type)")


@pytest.mark.parametrize(
    ("word", "title", "names"), [("solver", "solver types:", SOLVERS), ("data", "data sources:", SOURCES)]
)
def test_layers_lists_the_types_of_a_section(word: str, title: str, names: Registry) -> None:
    assert output("layers", word).splitlines()[0] == title
    found = json.loads(output("layers", word, "--format", "json"))["layers"]
    assert [entry["type"] for entry in found] == names.names()


def test_an_unknown_type_is_a_usage_error_with_the_nearest_name() -> None:
    result = CliRunner().invoke(main, ["layers", "Convolutoin"])
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == "error: no type 'Convolutoin'; did you mean `Convolution`?\n"


@pytest.mark.parametrize("code", CODES)
def test_explain_knows_every_code(code: str) -> None:
    document = json.loads(output("explain", code.lower(), "--format", "json"))
    assert document == {"code": code, "title": CODES[code].title, "text": CODES[code].text}


def test_explain_in_text() -> None:
    assert output("explain", "E501").startswith("E501: unknown key\n\nThe entry has no field of this name.")


def test_explain_without_a_code_lists_them() -> None:
    assert [line.split()[0] for line in output("explain").splitlines()] == sorted(CODES)


def test_an_unknown_code_is_a_usage_error() -> None:
    result = CliRunner().invoke(main, ["explain", "E50l"])
    assert (result.exit_code, result.stdout) == (2, "")
    assert "no diagnostic code 'E50l'; did you mean `E5" in result.stderr


def test_schema_prints_one_json_document() -> None:
    assert json.loads(output("schema"))["$schema"].endswith("draft-07/schema#")
    assert output("schema") == output("schema", "--format", "json")


def test_the_summary_of_a_type_is_a_paragraph_of_its_own() -> None:
    lines = output("layers", "Convolution").splitlines()
    assert lines[lines.index("Shapes") - 1] == ""
    assert lines[lines.index("Shapes") - 2].endswith("too.")


def test_a_command_offers_no_option_that_it_refuses() -> None:
    words = output("baseline", "--help").split()
    assert "--set" in words
    assert not {"--phase", "--batch"}.intersection(words)
    assert "--phase train" in output("gradcheck", "--help")
