"""``netspec predict`` and ``netspec sample``: streams, JSON, exit codes."""

from __future__ import annotations

import json

import numpy as np
import pytest
from click.testing import CliRunner

from netspec.cli.main import main
from netspec.compiling import compile_spec
from netspec.spec.load import load_spec

SPEC = """\
name: small
data: {source: digits, scale: 0.0625, test: {batch_size: 4}}
layers:
  - {name: ip, type: InnerProduct, num_output: 10}
  - {name: loss, type: SoftmaxWithLoss, bottom: [ip, label]}
"""

LETTERS = """\
name: letters
data: {source: text, file: text.txt, steps: 4, tops: [data, label, cont], test: {batch_size: 1}}
layers:
  - {name: embed, type: Embed, input_dim: 3, num_output: 5}
  - {name: rnn, type: RNN, bottom: [embed, cont], num_output: 4, carry: true}
  - {name: score, type: InnerProduct, num_output: 3, axis: 2}
  - {name: loss, type: SoftmaxWithLoss, bottom: [score, label], axis: 2}
sample: {input: data, output: score}
"""


def made(folder, text):
    """A spec and a file of weights, as arguments."""
    path = folder / "net.yaml"
    path.write_text(text)
    net = compile_spec(load_spec(path), "test", 1, "reference")
    net.save(folder / "weights.safetensors")
    net.close()
    return [str(path), "--weights", str(folder / "weights.safetensors"), "--device", "reference"]


@pytest.fixture
def classifier(tmp_path):
    np.save(tmp_path / "x.npy", np.zeros((3, 1, 8, 8)))
    return made(tmp_path, SPEC)


@pytest.fixture
def letters(tmp_path):
    (tmp_path / "text.txt").write_text("abacab" * 10)
    return made(tmp_path, LETTERS)


def run(*arguments):
    return CliRunner().invoke(main, list(map(str, arguments)))


def test_predict_prints_a_line_a_sample(classifier, tmp_path):
    done = run("predict", *classifier, tmp_path / "x.npy", "--top-k", "2")
    assert done.exit_code == 0
    lines = done.stdout.splitlines()
    assert [line.partition(": ")[0] for line in lines] == [f"{tmp_path}/x.npy[{k}]" for k in range(3)]
    assert lines[0].endswith(": 0 (10.0 %), 1 (10.0 %)")  # zeros: all classes alike, the first ones first
    assert "loaded 2 of 2 tensors" in done.stderr


def test_predict_answers_in_json(classifier, tmp_path):
    done = run("predict", *classifier, tmp_path / "x.npy", "--format", "json", "--quiet")
    assert (done.exit_code, done.stderr) == (0, "")
    document = json.loads(done.stdout)
    assert document["predictions"][2]["outputs"]["ip"]["classes"][0] == {
        "class": 0, "name": None, "score": pytest.approx(0.1),
    }  # fmt: skip


def test_predict_writes_blobs(classifier, tmp_path):
    done = run("predict", *classifier, tmp_path / "x.npy", "--blob", "ip", "-o", tmp_path / "out", "--quiet")
    assert done.stdout == f"ip: 3 x 10 in {tmp_path}/out/ip.npy\n"
    assert np.load(tmp_path / "out" / "ip.npy").shape == (3, 10)


def test_sample_prints_its_text(letters):
    done = run("sample", *letters, "--length", "20", "--prime", "ab")
    assert done.exit_code == 0
    assert done.stdout.startswith("ab")
    assert len(done.stdout) == 23
    again = run("sample", *letters, "--length", "20", "--prime", "ab", "--format", "json", "--quiet")
    assert json.loads(again.stdout) == {
        "text": done.stdout.rstrip("\n"), "prime": "ab", "length": 20, "temperature": 1.0, "seed": 0,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ([], 2, "predict needs an INPUT"),
        (["nowhere.npy"], 2, "nowhere.npy: no such file"),
        (["X", "--top-k", "0"], 2, "--top-k"),
        (["X", "--input", "label"], 2, "'label' is no NAME=FILE"),
        (["X", "--blob", "pi"], 2, "--blob pi: phase test has no blob of this name"),
        (["X", "--phase", "train"], 2, "predict works in phase test"),
        (["X", "--set", "layers.ip.num_output=3"], 4, "shapes do not fit"),
        (["X", "--set", "data.test.batch_sise=3"], 1, "did you mean `batch_size`?"),
        (["X", "--names", "nowhere.txt"], 3, "nowhere.txt"),
        (["net.yaml"], 3, "not a picture"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_mistake_of_predict_ends_in_a_sentence(classifier, tmp_path, arguments, code, message):
    given = [{"X": tmp_path / "x.npy", "net.yaml": tmp_path / "net.yaml"}.get(each, each) for each in arguments]
    done = run("predict", *classifier, *given)
    assert (done.exit_code, done.stdout) == (code, "")
    assert message in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--prime", "abz"], 2, "--prime: 'z' is not in the net's text; it has 'abc'"),
        (["--length", "0"], 2, "--length"),
        (["--temperature", "-1"], 2, "--temperature"),
        (["--temperature", "nan"], 2, "--temperature is a number from 0"),
        (["--phase", "train"], 2, "sample works in phase test"),
        (["--batch", "2"], 2, "sample writes one text"),
        (["--set", "sample.output=scor"], 1, "did you mean `score`?"),
        (["--set", "layers.rnn.num_output=7"], 4, "shapes do not fit"),
        (["--set", "data.file=gone.txt"], 3, "gone.txt"),
        (["--except", "rnm"], 2, "did you mean `rnn`?"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_mistake_of_sample_ends_in_a_sentence(letters, arguments, code, message):
    done = run("sample", *letters, *arguments)
    assert (done.exit_code, done.stdout) == (code, "")
    assert message in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("command", ["predict", "sample"])
def test_without_weights_the_remedy_is_said(classifier, tmp_path, command):
    done = run(command, classifier[0], *([tmp_path / "x.npy"] if command == "predict" else []))
    assert done.exit_code == 2
    assert ("needs --weights F" if command == "predict" else "nothing says what to sample") in done.stderr
