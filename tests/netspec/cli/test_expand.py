from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from netspec import zoo
from netspec.checking import check
from netspec.cli.main import main
from netspec.spec.load import load_spec


def expand(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["expand", *arguments])


@pytest.mark.parametrize("name", zoo.names())
def test_what_expand_prints_is_the_same_net(name: str, tmp_path: Path) -> None:
    result = expand(name)
    assert (result.exit_code, result.stderr) == (0, "")
    path = tmp_path / "flat.yaml"
    path.write_text(result.stdout, encoding="utf-8")
    assert check(path).errors == []
    original = zoo.find(name)
    assert original is not None
    flat = load_spec(path)
    first, again = (spec.net(flat.feeds[0]) for spec in (load_spec(original), flat))
    assert [(n.name, n.type, n.bottoms, n.tops) for n in again.nodes] == [
        (n.name, n.type, n.bottoms, n.tops) for n in first.nodes
    ]
    assert again.shapes == first.shapes
    assert [n.params for n in again.nodes] == [n.params for n in first.nodes]
    once, twice = (json.loads(expand(spec, "--format", "json").stdout) for spec in (name, str(path)))
    assert twice == once  # every field is written out, and nothing is left to replace


def test_as_json_it_is_the_same_document() -> None:
    document = json.loads(expand("lenet", "--format", "json").stdout)
    assert document["name"] == "LeNet"
    assert [layer["name"] for layer in document["layers"]][:3] == ["conv1", "pool1", "conv2"]


def test_overrides_are_in_the_answer() -> None:
    text = expand("lenet", "--set", "layers.conv1.num_output=7", "--set", "solver.base_lr=1e-3").stdout
    assert "num_output: 7" in text
    assert "base_lr: 0.001" in text


def test_a_bad_spec_leaves_stdout_empty(tmp_path: Path) -> None:
    path = tmp_path / "net.yaml"
    path.write_text("layers:\n  - {name: a, typ: ReLU}\n", encoding="utf-8")
    result = expand(str(path), "--format", "json")
    assert (result.exit_code, result.stdout) == (1, "")
    assert f"--> {path}:2:" in result.stderr


def test_strict_refuses_a_net_whose_sizes_are_warned_of(tmp_path: Path) -> None:
    path = tmp_path / "net.yaml"
    layer = "{name: a, type: Convolution, num_output: 2, kernel_size: 3, stride: 3}"
    path.write_text(f"inputs: {{data: [1, 7, 7]}}\nlayers:\n  - {layer}\n", encoding="utf-8")
    assert "warning[W120]" in expand(str(path)).stderr
    result = expand(str(path), "--strict")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "error[W120]" in result.stderr


def test_strict_refuses_a_spec_with_warnings(tmp_path: Path) -> None:
    path = tmp_path / "net.yaml"
    text = "vars: {unused: 1}\ninputs: {data: [4]}\nlayers:\n  - {name: a, type: ReLU}\n"
    path.write_text(text, encoding="utf-8")
    assert expand(str(path)).exit_code == 0
    result = expand(str(path), "--strict")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "W101" in result.stderr
