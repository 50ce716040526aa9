"""The ``weights`` section: its forms, its names, its paths; no file is opened."""

from __future__ import annotations

from pathlib import Path

import pytest

from netspec.checking import check
from netspec.graph.weights import locate
from netspec.spec.load import load_spec
from runtime.errors import UsageError

NET = """inputs: {data: [3, 8, 8]}
vars: {file: net.safetensors}
blocks:
  tower:
    layers:
      - {name: conv, type: Convolution, num_output: 4, kernel_size: 3}
      - {name: fc, type: InnerProduct, num_output: 2}
layers:
  - {block: tower, name: a, bottom: data}
  - {block: tower, name: b, bottom: data}
  - {block: tower, name: c, bottom: data, share: a}
  - {name: fc8, type: InnerProduct, num_output: 2, bottom: data}
"""


@pytest.fixture
def path(tmp_path, monkeypatch):
    monkeypatch.delenv("NETSPEC_DATA", raising=False)
    return tmp_path / "net.yaml"


def section(path, text):
    path.write_text(NET + f"weights: {text}\n")
    return [(w.prefix, w.file, w.leave_out) for w in load_spec(path).weights]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("net.safetensors", [("", "net.safetensors", ())]),
        ("$file", [("", "net.safetensors", ())]),
        ("", []),
        ("{file: f, except: fc8}", [("", "f", ("fc8",))]),
        ("{file: f, except: [fc8.weight, a, b/fc]}", [("", "f", ("fc8.weight", "a", "b/fc"))]),
        ("{a: f, b: g}", [("a", "f", ()), ("b", "g", ())]),
        ("{a: {file: f, except: [fc, conv.bias]}}", [("a", "f", ("a/fc", "a/conv.bias"))]),
    ],
)
def test_weights_have_three_forms(path, text, expected):
    assert section(path, text) == expected
    again = path.with_name("flat.yaml")
    again.write_text(load_spec(path).resolved())
    assert [(w.prefix, Path(w.file).name, w.leave_out) for w in load_spec(again).weights] == expected
    assert all(Path(w.file).parent == path.parent for w in load_spec(again).weights)


def test_check_opens_no_weights_and_reports_the_names(path):
    path.write_text(NET + "weights: {c: f}\n")
    assert [(d.code, d.message) for d in check(path).errors] == [
        ("E631", "`c` has no weights of its own: it shares those of `a`")
    ]
    path.write_text(NET + "weights: {file: nowhere.safetensors, except: [fc9]}\n")
    assert [(d.code, d.hint) for d in check(path).errors] == [("E631", "did you mean `fc8`?")]


def test_names_that_a_mistake_elsewhere_may_have_hidden_are_not_blamed(path):
    path.write_text(NET.replace("name: b, bottom", "name: b, bottm") + "weights: {b: f}\n")
    assert [d.code for d in check(path).errors] == ["E227"]


def test_a_file_lies_beside_the_spec_that_names_it_else_below_the_data_root(path, tmp_path, monkeypatch):
    (tmp_path / "root").mkdir()
    (tmp_path / "bases").mkdir()
    path.with_name("bases").joinpath("base.yaml").write_text(NET + "weights: w\n")
    path.write_text("extends: bases/base.yaml\nname: net\n")
    spec = load_spec(path)
    with pytest.raises(UsageError, match=r"weights: w: no such file \(looked in .*bases\)"):
        locate(spec, spec.weights[0])
    monkeypatch.setenv("NETSPEC_DATA", str(tmp_path / "root"))
    (tmp_path / "root" / "w").write_text("")
    assert locate(spec, spec.weights[0]) == tmp_path / "root" / "w"
    (tmp_path / "bases" / "w").write_text("")
    assert locate(spec, spec.weights[0]) == tmp_path / "bases" / "w"


def test_overrides_may_name_the_weights(path, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    path.write_text(NET)
    spec = load_spec(path, {"weights": "{a: f.safetensors}"})
    (entry,) = spec.weights
    assert (entry.prefix, entry.file, entry.folder.absolute()) == ("a", "f.safetensors", tmp_path)


def test_an_instance_whose_layers_share_among_themselves_has_weights(path):
    inner = "      - {name: fc, type: InnerProduct, num_output: 2}\n"
    path.write_text(
        NET.replace(inner, inner + inner.replace("name: fc", "name: again").replace("num_output: 2", "num_output: 2, "
                    "bottom: conv, share: fc")) + "weights: {a: f}\n"
    )  # fmt: skip
    assert check(path).errors == []


def test_names_without_end_that_are_none_are_reported_soon(path):
    names = ", ".join(f"name{n}" for n in range(20_000))
    path.write_text(NET + f"weights: {{file: f, except: [{names}]}}\n")
    assert len(check(path).diagnostics) == 1000  # as many as are ever kept
