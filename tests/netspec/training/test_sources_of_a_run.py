"""Runs on several sources: further tests end to end, sources side by side, texts, pairs; the same bits on resume."""

from __future__ import annotations

import json

import numpy as np
import pytest
from click.testing import CliRunner
from training_support import events

import netspec
from netspec.cli.main import main
from netspec.spec.load import load_spec
from netspec.training.testing import evaluate_spec
from netspec.training.trainer import Trainer
from runtime.errors import DataError, UsageError

SOLVER = "solver: {base_lr: 0.1, momentum: 0.9, max_iter: 12, display: 5, snapshot: 5}\n"
STAGES = """
name: stages
data:
  source: digits
  scale: 0.0625
  train: {batch_size: 30}
  test: {batch_size: 100}
  test_seen: {batch_size: 50, split: train, part: [0, 0.1]}
layers:
  - {name: ip, type: InnerProduct, num_output: 10}
  - {name: loss, type: SoftmaxWithLoss, bottom: [ip, label]}
  - {name: accuracy, type: Accuracy, bottom: [ip, label], include: test}
  - {name: seen, type: Accuracy, bottom: [ip, label], include: {phase: test, stage: test_seen}}
"""


def write(folder, text: str):
    path = folder / "net.yaml"
    path.write_text(text)
    return path


def train(spec, output, **fields):
    return Trainer(spec, output, device="reference", quiet=True, **fields).run()


def same_after_a_resume(spec, folder) -> None:
    """Twelve updates in one go and in two give the same bytes."""
    train(spec, folder / "whole")
    train(spec, folder / "parts", max_iter=7)
    train(spec, folder / "parts", resume="auto")
    whole, parts = (folder / run / "snapshot_000012.safetensors" for run in ("whole", "parts"))
    assert whole.read_bytes() == parts.read_bytes()


@pytest.fixture
def archives(tmp_path):
    rng = np.random.default_rng(0)
    for name, count in (("a", 50), ("b", 70)):
        x = rng.normal(size=(count, 6))
        np.savez(tmp_path / f"{name}.npz", x=x, y=(x[:, :1] > 0).astype(np.int64).ravel())
    return tmp_path


def test_a_run_tests_every_source_and_tells_each_apart(tmp_path):
    solver = SOLVER.replace("snapshot: 5", "test_interval: 6")
    result = train(write(tmp_path, STAGES + solver), tmp_path / "r")
    tests = events(tmp_path / "r", "test")
    assert [(event["iter"], event["source"]) for event in tests] == [
        (0, "test"), (0, "test_seen"), (6, "test"), (6, "test_seen"), (12, "test"), (12, "test_seen"),
    ]  # fmt: skip
    assert [event["samples"] for event in tests[:2]] == [360, 144]
    assert [list(event["outputs"]) for event in tests[:2]] == [["loss", "accuracy"], ["loss", "accuracy", "seen"]]
    assert result.outputs == tests[-2]["outputs"]


def test_test_iter_may_say_how_many_batches_of_each(tmp_path):
    solver = SOLVER.replace("snapshot: 5", "test_iter: {test: 2, test_seen: 1}")
    train(write(tmp_path, STAGES + solver), tmp_path / "r")
    assert [event["samples"] for event in events(tmp_path / "r", "test")] == [200, 50] * 2


def test_one_test_iter_holds_for_all(tmp_path):
    train(write(tmp_path, STAGES + SOLVER.replace("snapshot: 5", "test_iter: 1")), tmp_path / "r")
    assert [event["samples"] for event in events(tmp_path / "r", "test")] == [100, 50] * 2


def test_the_test_command_reports_every_source(tmp_path):
    spec = write(tmp_path, STAGES + SOLVER)
    train(spec, tmp_path / "r")
    weights = tmp_path / "r" / "snapshot_000012.safetensors"
    arguments = ["test", str(tmp_path / "r" / "spec.yaml"), "--weights", str(weights), "--device", "reference"]
    done = CliRunner().invoke(main, [*arguments, "--quiet", "--format", "json"])
    assert (done.exit_code, done.stderr) == (0, "")
    document = json.loads(done.stdout)
    assert set(document) == {"outputs", "samples", "sources"}
    assert list(document["sources"]) == ["test_seen"]
    logged = events(tmp_path / "r", "test")[-2:]
    assert {key: document[key] for key in ("outputs", "samples")} == {
        key: logged[0][key] for key in ("outputs", "samples")
    }
    assert document["sources"]["test_seen"] == {key: logged[1][key] for key in ("outputs", "samples")}
    text = CliRunner().invoke(main, [*arguments, "--quiet"]).stdout.splitlines()
    assert text[0] == "360 samples"
    assert "test_seen: 144 samples" in text
    chosen = evaluate_spec(load_spec(spec, stages=("test_seen",)), weights, device="reference", quiet=True)
    assert (chosen.main.samples, chosen.sources) == (144, {})


def test_from_python_a_further_test_is_a_phase(tmp_path):
    net = netspec.compile(write(tmp_path, STAGES + SOLVER), phase="train", device="reference")
    seen = net.phase("test_seen")
    assert (seen.phase_name, seen.batch_size, len(seen.stream())) == ("test", 50, 144)
    assert list(seen.forward()) == ["loss", "accuracy", "seen"]
    assert net.phase("test_seen") is seen
    assert net.phase("test") is not seen
    small = seen.forward(data=np.zeros((3, 1, 8, 8)), label=[1, 2, 3])
    assert list(small) == ["loss", "accuracy", "seen"]
    alone = netspec.compile(write(tmp_path, STAGES + SOLVER), phase="test_seen", device="reference")
    assert list(alone.forward()) == ["loss", "accuracy", "seen"]
    with pytest.raises(UsageError, match="no phase 'test_unseen': train, test, test_seen"):
        net.phase("test_unseen")
    net.close()
    alone.close()


def test_check_opens_no_file_of_any_source(tmp_path):
    text = """
data:
  train: [{source: images, list: none.txt, crop_size: 8, batch_size: 4},
          {source: csv, file: none.csv, columns: {x: [a, b], y: c}, batch_size: 4}]
  test: [{source: hdf5, file: none.h5, shape: [3, 8, 8], batch_size: 4},
         {source: text, file: none.txt, steps: 4, tops: [word, next, cont], batch_size: 4}]
layers:
  - {name: ip, type: InnerProduct, bottom: data, num_output: 5}
  - {name: loss, type: SoftmaxWithLoss, bottom: [ip, label]}
"""
    assert netspec.check(write(tmp_path, text)).diagnostics == []


TWO = """
data:
  train:
    - {source: npz, file: a.npz, tops: [x, y], batch_size: 8}
    - {source: npz, file: b.npz, tops: [u, v], arrays: [x, y], batch_size: 8, scale: 0.5}
  test: {source: npz, file: a.npz, tops: [x, y], batch_size: 8}
layers:
  - {name: left, type: InnerProduct, bottom: x, num_output: 2, params: [{name: w}, {name: c}]}
  - {name: right, type: InnerProduct, bottom: u, num_output: 2, params: [{name: w}, {name: c}], include: train}
  - {name: one, type: SoftmaxWithLoss, bottom: [left, y]}
  - {name: two, type: SoftmaxWithLoss, bottom: [right, v], include: train}
"""


def test_two_sources_of_different_lengths_go_on_where_each_was(archives):
    same_after_a_resume(write(archives, TWO + SOLVER), archives)


def test_a_label_beyond_the_scores_is_found_in_its_own_source(archives):
    np.savez(archives / "b.npz", x=np.zeros((70, 6)), y=np.full(70, 2))
    with pytest.raises(DataError, match="npz: sample 0 has v 2, expected 0 to 1"):
        train(write(archives, TWO + SOLVER), archives / "r")
    assert not (archives / "r").exists()


def test_sources_of_a_test_need_as_many_samples(archives):
    text = TWO.replace("  test: {source: npz, file: a.npz, tops: [x, y], batch_size: 8}", """  test:
    - {source: npz, file: a.npz, tops: [x, y], batch_size: 8}
    - {source: npz, file: b.npz, tops: [u, v], arrays: [x, y], batch_size: 8}""")  # fmt: skip
    with pytest.raises(DataError, match="npz has 50 samples, npz has 70 samples: sources that are tested together"):
        train(write(archives, text + SOLVER), archives / "r")


TEXT = """
vars: {classes: 30}
data: {source: text, file: t.txt, steps: 6, batch_size: 5, train: {part: [0, 0.8]}, test: {part: [0.8, 1]}}
layers:
  - {name: embed, type: Embed, input_dim: $classes, num_output: 8}
  - {name: score, type: InnerProduct, num_output: $classes, axis: 2}
  - {name: loss, type: SoftmaxWithLoss, bottom: [score, label], axis: 2}
"""


def test_a_text_trains_and_goes_on_where_it_was(tmp_path):
    (tmp_path / "t.txt").write_text("the quick brown fox jumps over the lazy dog. " * 20)
    spec = write(tmp_path, TEXT + SOLVER.replace("max_iter: 12", "max_iter: 12, iter_size: 2"))
    same_after_a_resume(spec, tmp_path)
    tests = events(tmp_path / "whole", "test")
    # 180 characters in 5 streams of 35: 5 windows of 6 in each
    assert [event["samples"] for event in tests] == [25, 25]
    assert tests[1]["outputs"]["loss"] < tests[0]["outputs"]["loss"]


def test_a_text_with_more_characters_than_the_net_takes_is_refused_before_the_run(tmp_path):
    (tmp_path / "t.txt").write_text("".join(map(chr, range(97, 97 + 31))) * 40)
    with pytest.raises(DataError, match=r"t\.txt: 31 different characters, the net takes 30 classes"):
        train(write(tmp_path, TEXT + SOLVER), tmp_path / "r")
    assert not (tmp_path / "r").exists()


def test_a_table_of_class_names_trains(tmp_path):
    rng = np.random.default_rng(1)
    rows = "".join(f"{x:.3f},{y:.3f},{'up' if x + y > 1 else 'down'}\n" for x, y in rng.random((80, 2)))
    (tmp_path / "t.csv").write_text("x,y,kind\n" + rows)
    spec = write(tmp_path, """
data:
  source: csv
  file: t.csv
  columns: {data: [x, y], label: kind}
  class_names: [down, up]
  train: {batch_size: 20, part: [0, 0.75]}
  test: {batch_size: 20, part: [0.75, 1]}
layers:
  - {name: ip, type: InnerProduct, num_output: $classes}
  - {name: loss, type: SoftmaxWithLoss, bottom: [ip, label]}
  - {name: accuracy, type: Accuracy, bottom: [ip, label], include: test}
""" + SOLVER.replace("0.1", "2.0"))  # fmt: skip
    # two classes cut by a straight line: twelve updates are enough to beat the larger class, 0.55
    assert train(spec, tmp_path / "r").outputs["accuracy"] > 0.7


def test_pairs_train_two_towers_and_go_on_where_they_were(tmp_path):
    spec = write(tmp_path, """
data: {source: digits, pairs: true, scale: 0.0625, train: {batch_size: 20}, test: {batch_size: 100}}
layers:
  - {name: a, type: InnerProduct, bottom: left, num_output: 4, params: [{name: w}, {name: c}]}
  - {name: b, type: InnerProduct, bottom: right, num_output: 4, params: [{name: w}, {name: c}]}
  - {name: both, type: Concat, bottom: [a, b]}
  - {name: score, type: InnerProduct, num_output: 2}
  - {name: loss, type: SoftmaxWithLoss, bottom: [score, same]}
""" + SOLVER)  # fmt: skip
    same_after_a_resume(spec, tmp_path)
    losses = [event["outputs"]["loss"] for event in events(tmp_path / "whole", "test")]
    assert [event["samples"] for event in events(tmp_path / "whole", "test")] == [360, 360]
    assert len(set(losses)) == 2


def test_scenes_go_on_where_they_were(tmp_path):
    spec = write(tmp_path, """
data: {source: shapes, size: 16, count: 50, tops: [data, mask], train: {batch_size: 7}, test: {batch_size: 20}}
layers:
  - {name: conv, type: Convolution, num_output: $classes, kernel_size: 3, pad: 1}
  - {name: loss, type: SoftmaxWithLoss, bottom: [conv, mask]}
""" + SOLVER)  # fmt: skip
    same_after_a_resume(spec, tmp_path)
    assert [event["samples"] for event in events(tmp_path / "whole", "test")] == [50, 50]


def test_captions_are_held_against_the_words_of_the_net(tmp_path):
    text = """
data: {source: shapes, size: 16, steps: 8, tops: [caption, next_word, cont], train: {batch_size: 2}}
layers:
  - {name: embed, type: Embed, bottom: caption, input_dim: WORDS, num_output: 4}
  - {name: score, type: InnerProduct, num_output: $words, axis: 2}
  - {name: loss, type: SoftmaxWithLoss, bottom: [score, next_word], axis: 2, ignore_label: -1}
"""
    train(write(tmp_path, text.replace("WORDS", "$words") + SOLVER), tmp_path / "a", max_iter=1)
    with pytest.raises(DataError, match=r"^shapes: caption has \d\d words, the net takes 20; a layer must take"):
        train(write(tmp_path, text.replace("WORDS", "20") + SOLVER), tmp_path / "b", max_iter=1)


def test_pictures_of_many_sizes_train_cropped_and_mirrored_and_go_on_where_they_were(tmp_path):
    image = pytest.importorskip("PIL.Image")
    rng = np.random.default_rng(0)
    for half, count in (("train", 20), ("val", 9)):
        for k, name in enumerate(("dark", "light")):
            (tmp_path / half / name).mkdir(parents=True)
            for n in range(count):
                size = (*rng.integers(9, 15, 2).tolist(), 3)
                pixels = rng.integers(k * 120, k * 120 + 100, size).astype(np.uint8)
                image.fromarray(pixels).save(tmp_path / half / name / f"{n}.png")
    spec = write(tmp_path, """
data:
  source: images
  classes: 2
  mean: 110
  scale: 0.00390625
  crop_size: 8
  train: {folder: train, batch_size: 7, mirror: true}
  test: {folder: val, batch_size: 5}
layers:
  - {name: ip, type: InnerProduct, num_output: $classes}
  - {name: loss, type: SoftmaxWithLoss, bottom: [ip, label]}
  - {name: accuracy, type: Accuracy, bottom: [ip, label], include: test}
""" + SOLVER.replace("0.1", "0.01"))  # fmt: skip
    same_after_a_resume(spec, tmp_path)
    last = events(tmp_path / "whole", "test")[-1]
    assert last["samples"] == 18
    # dark and light are 120 of 255 apart: a dozen updates tell most of them
    assert last["outputs"]["accuracy"] > 0.8


def test_datasets_of_an_hdf5_list_train(tmp_path):
    h5py = pytest.importorskip("h5py")
    rng = np.random.default_rng(0)
    for k in range(2):
        x = rng.normal(size=(30, 4))
        with h5py.File(tmp_path / f"{k}.h5", "w") as file:
            file["data"], file["target"] = x, x[:, :1] - x[:, 1:2]
    (tmp_path / "list.txt").write_text("0.h5\n1.h5\n")
    spec = write(tmp_path, """
data: {source: hdf5, file: list.txt, tops: [data, target], train: {batch_size: 8}, test: {batch_size: 25}}
layers:
  - {name: fit, type: InnerProduct, num_output: 1}
  - {name: loss, type: EuclideanLoss, bottom: [fit, target]}
""" + SOLVER)  # fmt: skip
    train(spec, tmp_path / "r")
    first, last = events(tmp_path / "r", "test")
    assert (first["samples"], last["samples"]) == (60, 60)
    assert last["outputs"]["loss"] < 0.5 * first["outputs"]["loss"]


def test_a_broken_picture_ends_the_run_with_a_snapshot_and_its_name(tmp_path):
    image = pytest.importorskip("PIL.Image")
    for k in range(12):
        image.fromarray(np.full((4, 4, 3), k, np.uint8)).save(tmp_path / f"{k}.png")
    (tmp_path / "11.png").write_bytes((tmp_path / "11.png").read_bytes()[:40])
    (tmp_path / "list.txt").write_text("".join(f"{k}.png 0\n" for k in range(12)))
    spec = write(tmp_path, """
data: {source: images, list: list.txt, shape: [3, 4, 4], shuffle: false, train: {batch_size: 2}}
layers:
  - {name: ip, type: InnerProduct, num_output: 2}
  - {name: loss, type: SoftmaxWithLoss, bottom: [ip, label]}
""" + SOLVER)  # fmt: skip
    with pytest.raises(DataError, match=r"11\.png: not a picture, or a broken one"):
        train(spec, tmp_path / "r")
    end = events(tmp_path / "r", "end")[0]
    assert (end["reason"], end["exit_code"], end["iter"]) == ("error", 3, 5)
    assert (tmp_path / "r" / "snapshot_000005.safetensors").exists()
