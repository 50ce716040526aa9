"""The data of the language's own examples: each trains or tests on files made for it, small but of the real form."""

from __future__ import annotations

import shutil
import struct
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from training_support import events

import netspec
from netspec.spec.load import load_spec
from netspec.training.testing import evaluate_spec
from netspec.training.trainer import Trainer

LANGUAGE = Path(__file__).parents[2] / "language"
RNG = np.random.default_rng(0)


def idx(path: Path, array: np.ndarray) -> None:
    head = struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape)
    path.write_bytes(head + array.astype(np.uint8).tobytes())


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with the example beside its data, and a data root with a small MNIST."""
    root = tmp_path / "root" / "mnist"
    root.mkdir(parents=True)
    for half, count in (("train", 150), ("t10k", 110)):
        labels = np.arange(count) % 10
        images = RNG.integers(0, 60, (count, 28, 28))
        images[np.arange(count), labels * 2] += 190  # a bright row tells the class
        idx(root / f"{half}-images-idx3-ubyte", images)
        idx(root / f"{half}-labels-idx1-ubyte", labels)
    (tmp_path / "root" / "tinyshakespeare").mkdir()
    text = "First Citizen:\nBefore we proceed any further, hear me speak.\n\n" * 300
    (tmp_path / "root" / "tinyshakespeare" / "input.txt").write_text(text)
    rows = RNG.random((200, 3))
    prices = rows @ [2.0, 3.0, -1.0] + 1
    table = "".join(f"{a},{b},{c},{y}\n" for (a, b, c), y in zip(rows, prices, strict=True))
    (tmp_path / "houses.csv").write_text("rooms,area,age,price\n" + table)
    monkeypatch.setenv("NETSPEC_DATA", str(tmp_path / "root"))
    for name in ("stages", "stages_solver", "siamese", "linear_regression", "char_lstm"):
        shutil.copy(LANGUAGE / f"{name}.yaml", tmp_path)
    return tmp_path


def train(path: Path, max_iter: int, **overrides: object):
    overrides = {key.replace("__", "."): value for key, value in overrides.items()}
    run = path.parent / "run"
    trainer = Trainer(path, run, device="reference", quiet=True, max_iter=max_iter, overrides=overrides)
    return trainer.run(), events(run, "test")


def test_stages_trains_and_reports_both_test_sources(folder):
    solver = folder / "stages_solver.yaml"
    solver.write_text(solver.read_text().replace("{test: 100, test_seen: 10}", "{test_seen: 1}"))
    result, tests = train(solver, 2)
    assert result.iteration == 2
    assert [(event["source"], event["samples"]) for event in tests] == [("test", 110), ("test_seen", 100)] * 2
    assert list(tests[1]["outputs"]) == ["loss", "accuracy", "seen", "class"]
    assert len(tests[1]["outputs"]["class"]) == 10
    weights = folder / "run" / "snapshot_000002.safetensors"
    report = evaluate_spec(load_spec(folder / "stages.yaml"), weights, device="reference", quiet=True)
    assert (report.main.samples, report.sources["test_seen"].samples) == (110, 150)


def test_siamese_trains_on_pairs(folder):
    # bytes as they are make scores of thousands: the example leaves the scale to the reader
    smaller = {"data__train__batch_size": 8, "data__test__part": [0, 0.2]}
    _, tests = train(folder / "siamese.yaml", 3, data__scale=0.00390625, **smaller)
    assert [event["samples"] for event in tests] == [22, 22]
    assert all(np.isfinite(event["outputs"]["loss"]) for event in tests)


def test_linear_regression_finds_the_line(folder):
    result, tests = train(folder / "linear_regression.yaml", 400)
    assert [event["samples"] for event in tests] == [40, 40]
    # the table has no noise: what is left is the way that 400 updates have not gone yet
    assert result.outputs["loss"] < 0.02 * tests[0]["outputs"]["loss"]


def test_the_character_net_trains_on_its_text(folder):
    _, tests = train(folder / "char_lstm.yaml", 2, vars__hidden=8, vars__two=False, data__train__batch_size=8)
    assert [event["source"] for event in tests] == ["test", "test"]
    assert tests[1]["outputs"]["loss"] < tests[0]["outputs"]["loss"]


@pytest.mark.parametrize(
    ("name", "top", "overrides"),
    [
        ("fast_rcnn", "ap", {"data.rois": 6, "layers.fc6.num_output": 8}),
        ("show_attend_tell", "loss", {"vars.hidden": 8, "vars.attention": 4, "data.train.batch_size": 2}),
    ],
)
def test_nets_on_scenes_train_on_them(name, top, overrides, folder):
    shutil.copy(LANGUAGE / f"{name}.yaml", folder)
    small = {"data.size": 16, "data.test.count": 4, "data.test.batch_size": 2, **overrides}
    result, tests = train(folder / f"{name}.yaml", 2, **small)
    assert result.iteration == 2
    assert [event["samples"] for event in tests] == [4, 4]
    assert all(event["outputs"][top] >= 0 for event in tests)


def test_flownet_is_tested_on_scenes(folder):
    net = netspec.compile(LANGUAGE / "flownet_c.yaml", "test", 1, device="reference", overrides={"data.size": 32})
    with closing(net):
        # nothing is learned yet: the arrows end some pixels off
        assert 0 < float(net.forward()["epe"]) < 1000
