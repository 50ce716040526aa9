"""The zoo's nets on real data reach what is known for them. Minutes each: the slow tests."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

import netspec
from netspec import zoo

pytestmark = [pytest.mark.slow, pytest.mark.data]

FILES = {
    "mnist": ("mnist/train-images-idx3-ubyte.gz", "train-images-idx3-ubyte"),
    "cifar10": ("cifar10/data_batch_1.bin", "cifar-10-batches-bin/data_batch_1.bin", "cifar10/cifar-10-batches-bin"),
}


def run(name, folder, source, **options):
    root = Path(os.environ.get("NETSPEC_DATA", "nowhere"))
    if not any((root / file).exists() for file in FILES[source]):
        pytest.skip(f"no {source} under NETSPEC_DATA")
    netspec.Trainer(zoo.find(name), output=folder, seed=0, quiet=True, **options).run()
    return [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]


def last_accuracy(events):
    return [event for event in events if event["event"] == "test"][-1]["outputs"]["accuracy"]


def test_lenet_reaches_99_percent_on_mnist(tmp_path):
    assert last_accuracy(run("lenet", tmp_path / "run", "mnist")) >= 0.990


def test_mlp_reaches_98_percent_on_mnist(tmp_path):
    assert last_accuracy(run("mlp", tmp_path / "run", "mnist")) >= 0.980


def test_cifar10_quick_reaches_70_percent(tmp_path):
    assert last_accuracy(run("cifar10_quick", tmp_path / "run", "cifar10")) >= 0.70


def test_resnet20_trains(tmp_path):
    events = run("resnet20", tmp_path / "run", "cifar10", max_iter=200, overrides={"solver.test_initialization": False})
    losses = [event["smoothed_loss"] for event in events if event["event"] == "display"]
    assert losses[-1] < 1.8  # it starts at log 10 = 2.3
