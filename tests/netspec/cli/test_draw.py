from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from netspec.cli.main import main


def run(*arguments):
    return CliRunner().invoke(main, ["draw", *map(str, arguments)])


@pytest.mark.parametrize(("name", "start"), [("n.svg", "<svg "), ("n.dot", "digraph "), ("N.MMD", "---\ntitle:")])
def test_the_ending_of_the_file_says_what_is_written(tmp_path, name, start):
    done = run("lenet", "-o", tmp_path / name)
    assert (done.exit_code, done.stdout) == (0, "")
    assert (tmp_path / name).read_text().startswith(start)


def test_without_a_file_text_goes_to_stdout():
    assert run("lenet").stdout.startswith("---\ntitle: 'LeNet, phase train, batch 64'")
    assert run("lenet", "--as", "svg", "--phase", "test", "--batch", "3").stdout.count("batch 3") == 2


def test_a_spec_with_one_phase_is_drawn_in_that(tmp_path):
    (tmp_path / "net.yaml").write_text(
        "data: {source: digits, test: {batch_size: 2}}\nlayers: [{name: ip, type: InnerProduct, num_output: 3}]\n"
    )
    assert "phase test, batch 2" in run(tmp_path / "net.yaml").stdout


def test_json_is_one_document_on_stdout(tmp_path):
    done = run("lenet", "-o", tmp_path / "n.svg", "--format", "json")
    document = json.loads(done.stdout)
    assert list(document) == ["name", "phase", "batch", "nodes", "boxes", "edges", "output"]
    assert document["output"] == str(tmp_path / "n.svg")
    assert document["nodes"][2] == {
        "name": "conv1",
        "type": "Convolution",
        "kind": "weights",
        "box": None,
        "shapes": [[64, 20, 24, 24]],
        "param_count": 520,
        "shared_with": None,
        "frozen": False,
    }
    assert document["edges"][0] == {"from": "data", "to": "conv1", "blob": "data", "back": False}


def test_json_tells_boxes_and_how_often_they_are_there():
    boxes = json.loads(run("resnet152", "--format", "json").stdout)["boxes"]
    assert boxes[1] == {"name": "res2/2", "block": "bottleneck", "box": None, "times": 2, "last": "res2/3"}
    unfolded = json.loads(run("resnet152", "--format", "json", "--unfold").stdout)["boxes"]
    assert len(unfolded) == 50
    assert json.loads(run("resnet152", "--format", "json", "--depth", "0").stdout)["boxes"] == []


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["lenet", "-o", "net.pdf"], 2, "net.pdf: a drawing is .svg, .dot or .mmd"),
        (["lenet", "-o", "net.sgv"], 2, "did you mean `svg`?"),
        (["lenet", "-o", "net"], 2, "net: a drawing is .svg, .dot or .mmd"),
        (["lenet", "-o", "no/such/folder/net.svg"], 4, "no/such/folder/net.svg: not written: No such file"),
        (["lenett"], 2, "did you mean `lenet`?"),
        (["lenet", "--depth", "-1"], 2, "--depth"),
        (["lenet", "--phase", "tset"], 2, "--phase"),
        (["lenet", "--set", "layers.conv1.nun_output=3"], 1, "did you mean `num_output`?"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_mistake_ends_in_a_sentence(arguments, code, message):
    done = run(*arguments)
    assert (done.exit_code, done.stdout) == (code, "")
    assert message in done.stderr
    assert "Traceback" not in done.stderr
