"""Ways of convolutions in snapshots: a run that is resumed computes as it began."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from netspec.training.trainer import Trainer
from runtime.snapshot import load, save
from runtime.ways import DIRECT, FFT, MATMUL, WINOGRAD_2, WINOGRAD_4

SPEC = """\
name: small
data: {source: digits, scale: 0.0625, train: {batch_size: 20}, test: {batch_size: 100}}
layers:
  - {name: conv1, type: Convolution, num_output: 16, kernel_size: 3, pad: 1, weight_filler: {type: xavier}}
  - {name: conv2, type: Convolution, num_output: 16, kernel_size: 3, pad: 1, weight_filler: {type: xavier}}
  - {name: ip, type: InnerProduct, num_output: 10, weight_filler: {type: xavier}}
  - {name: loss, type: SoftmaxWithLoss, bottom: [ip, label]}
solver: {base_lr: 0.1, momentum: 0.9, max_iter: 6, test_initialization: false, test_iter: 1}
"""


@pytest.fixture
def spec(tmp_path) -> Path:
    path = tmp_path / "small.yaml"
    path.write_text(SPEC)
    return path


def fastest(monkeypatch, *ways: str) -> None:
    """From now on measurements find these ways the fastest, in this order."""
    order = [*ways, DIRECT]

    def measure(case, offered):
        return {way: float(order.index(way)) if way in order else 99.0 for way in offered}

    monkeypatch.setattr("netspec.net.Tuner", lambda *_: measure)


def train(spec: Path, output: Path, threads: int = 1, **fields: object) -> Path:
    Trainer(spec, output, threads=threads, quiet=True, tune=True, **fields).run()
    return max(output.glob("*.safetensors"))


def test_a_resume_keeps_its_bits_whatever_is_measured_now(spec, tmp_path, monkeypatch, capsys):
    fastest(monkeypatch, WINOGRAD_4)
    whole = train(spec, tmp_path / "whole")
    train(spec, tmp_path / "parts", max_iter=3)
    fastest(monkeypatch, DIRECT)
    other = train(spec, tmp_path / "other")
    parts = train(spec, tmp_path / "parts", resume="auto")
    assert "algorithms" not in capsys.readouterr().err
    assert whole.read_bytes() == parts.read_bytes()
    ways = load(whole).choices
    assert ways["train conv conv2"] == ways["train conv_weight_grad conv2"] == ways["test conv conv2"] == WINOGRAD_4
    assert ways["train conv ip"] == MATMUL
    # the two ways do differ, so equal bytes say something
    assert load(other).choices["train conv conv2"] == DIRECT
    assert load(other).tensors["conv2.weight"].tobytes() != load(whole).tensors["conv2.weight"].tobytes()


@pytest.mark.parametrize("way", [WINOGRAD_2, WINOGRAD_4, FFT])
def test_tuned_runs_of_the_same_ways_have_the_same_bits_for_any_number_of_threads(spec, tmp_path, monkeypatch, way):
    fastest(monkeypatch, way)
    one, two = (train(spec, tmp_path / str(threads), threads, max_iter=3) for threads in (1, 2))
    assert way in load(one).choices.values()
    assert one.read_bytes() == two.read_bytes()


def test_a_stored_way_that_is_gone_is_told_and_the_run_goes_on(spec, tmp_path, monkeypatch, capsys):
    fastest(monkeypatch, WINOGRAD_2)
    path = train(spec, tmp_path / "r", max_iter=3)
    snapshot = load(path)
    save(path, replace(snapshot, choices={**snapshot.choices, "train conv conv2": "strassen"}))
    capsys.readouterr()
    end = train(spec, tmp_path / "r", resume=path)
    warning = capsys.readouterr().err
    assert "made with other algorithms" in warning
    assert f"train conv conv2 is {WINOGRAD_2}, it was strassen" in " ".join(warning.split())
    assert json.loads(json.dumps(dict(load(end).choices)))["train conv conv2"] == WINOGRAD_2
