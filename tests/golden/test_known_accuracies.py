"""The zoo's nets on real data reach what is known for them. Minutes each: the slow tests."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from click.testing import CliRunner

import netspec
from netspec import zoo
from netspec.cli.main import main

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


def test_lenet_makes_82_errors_or_fewer_of_10000_on_mnist_and_fgsm_fools_it(tmp_path):
    assert last_accuracy(run("lenet", tmp_path / "run", "mnist")) >= 0.9918  # three seeds: 72, 81, 72 errors
    weights = sorted((tmp_path / "run").glob("*.safetensors"))[-1]
    arguments = ["test", "fgsm", "--set", f"weights.net={weights}", "--quiet", "--format", "json"]
    outputs = json.loads(CliRunner().invoke(main, arguments).stdout)["outputs"]
    assert outputs["before"] >= 0.9918
    assert outputs["after"] < 0.5  # 0.14
    margins = [
        "test",
        "lenet_conv",
        "--set",
        f"weights={weights}",
        "--set",
        "vars.margin=0",
        "--quiet",
        "--format",
        "json",
    ]
    assert json.loads(CliRunner().invoke(main, margins).stdout)["outputs"]["accuracy"] == outputs["before"]


@pytest.mark.parametrize(
    ("name", "known"),
    [("mlp", 0.980), ("mlp2", 0.975), ("maxout", 0.980), ("locally_connected", 0.970), ("lenet5", 0.987)],
)
def test_small_nets_reach_what_their_comments_say_on_mnist(name, known, tmp_path):
    assert last_accuracy(run(name, tmp_path / "run", "mnist")) >= known


def test_a_siamese_net_learns_from_scaled_pixels(tmp_path):
    tests = [
        event["outputs"]["loss"] for event in run("siamese", tmp_path / "run", "mnist") if event["event"] == "test"
    ]
    assert tests[-1] < 0.25 * tests[0]  # 0.164 to 0.030


def test_cifar10_quick_reaches_70_percent(tmp_path):
    assert last_accuracy(run("cifar10_quick", tmp_path / "run", "cifar10")) >= 0.70


def test_resnet20_trains(tmp_path):
    events = run("resnet20", tmp_path / "run", "cifar10", max_iter=200, overrides={"solver.test_initialization": False})
    losses = [event["smoothed_loss"] for event in events if event["event"] == "display"]
    assert losses[-1] < 1.8  # it starts at log 10 = 2.3
