"""The nets of the zoo for texts, captions and motion: steps at a reduced size, gradients, figures, and clipping.

By the reference, so that nothing is compiled; what needs tiny Shakespeare gets a small text in its place.
"""

from __future__ import annotations

import json
from contextlib import closing

import numpy as np
import pytest

import netspec
from netspec import zoo
from netspec.prediction.sampling import Drawing, sample
from netspec.reports.batches import random_batch
from netspec.reports.gradcheck import gradcheck
from netspec.spec.load import load_spec
from netspec.training.opening import Run
from runtime.errors import StateError

SHORT = {"vars.steps": 4, "vars.hidden": 5, "vars.classes": 9, "layers.embed.num_output": 3}
SMALL_PICTURES = {"data.size": 16, "vars.hidden": 5, "layers.conv1.num_output": 3}

# What makes a net small enough for the reference.
REDUCED = {
    "captioning": {
        **SMALL_PICTURES, "vars.features": 4, **{f"layers.conv{k}.num_output": 3 for k in (2, 3, 4)},
    },
    "char_gru": SHORT,
    "char_lstm": SHORT,
    "char_rnn": SHORT,
    "human_dynamics": {"vars.hidden": 6, "layers.seen.dropout_ratio": 0},
    "lstm_lm": {"vars.steps": 4, "vars.hidden": 5, "vars.classes": 9, "vars.dropout": 0},
    "show_attend_tell": {**SMALL_PICTURES, "vars.side": 2, "vars.depth": 4, "vars.attention": 3},
}  # fmt: skip
TASKS = {"motion", "text"}
VERSE = "so long as men can breathe or eyes can see,\nso long lives this and this gives life to thee.\n"


@pytest.fixture
def verse(tmp_path, monkeypatch):
    """A data root whose tiny Shakespeare is two lines, again and again."""
    (tmp_path / "tinyshakespeare").mkdir()
    (tmp_path / "tinyshakespeare" / "input.txt").write_text(VERSE * 30)
    monkeypatch.setenv("NETSPEC_DATA", str(tmp_path))


def test_every_net_that_trains_for_these_tasks_has_its_reduced_size():
    mine = sorted(entry.name for entry in zoo.entries() if entry.task in TASKS)
    assert sorted(REDUCED) == [name for name in mine if load_spec(zoo.find(name)).solver is not None]


@pytest.mark.parametrize("name", REDUCED)
def test_three_steps_lower_the_loss(name):
    overrides = {**REDUCED[name], "solver.base_lr": 0.001}
    net = netspec.compile(zoo.find(name), "train", 2, device="reference", seed=1, overrides=overrides)
    with closing(net):
        batches = random_batch(net.resolved, np.random.default_rng(0))
        losses = []
        for _ in range(4):
            net.step(**batches)
            losses.append(float(net.executor.array(net.plan.loss)))
    assert np.isfinite(losses).all()
    assert losses[-1] < losses[0]


@pytest.mark.parametrize("name", REDUCED)
def test_the_gradient_is_right(name):
    found = gradcheck(load_spec(zoo.find(name), REDUCED[name]), batch=2, samples=2, device="reference")
    assert {check.verdict(found.tolerance) for check in found.checks} == {"ok"}


@pytest.mark.parametrize("name", ["captioning", "show_attend_tell"])
def test_a_test_of_captions_tells_accuracy_and_bleu_of_what_the_net_writes(name):
    overrides = {**REDUCED[name], "data.test.count": 2}
    with closing(netspec.compile(zoo.find(name), "test", 2, device="reference", overrides=overrides)) as net:
        made = net.forward()
    assert 0 <= float(made["accuracy"]) <= 1
    assert 0 <= float(made["bleu"]) <= 1


@pytest.mark.parametrize("name", ["captioning", "show_attend_tell"])
def test_what_a_test_writes_is_what_predict_tells(name):
    """The net that feeds itself inside, and the one that `netspec predict` feeds, choose the same words."""
    overrides = {**REDUCED[name], "data.test.count": 2}
    top = "written" if name == "captioning" else "said"
    net = netspec.compile(zoo.find(name), "test", 2, device="reference", overrides=overrides, keep=(top, "score"))
    with closing(net):
        batch = random_batch(net.resolved, np.random.default_rng(0))
        batch["cont"] = np.ones_like(batch["cont"])
        batch["cont"][0] = 0
        net.forward(**batch)
        written = np.asarray(net.blobs[top]).astype(int)
        batch["caption"] = np.concatenate([np.ones((1, 2), int), written[:-1]]).astype(np.int32)
        net.forward(**batch)
        best = np.asarray(net.blobs["score"]).argmax(-1)
    assert best.tolist() == written.tolist()


def test_a_figure_that_goes_on_is_fed_with_its_own_frames():
    names = ("go", "tell")
    net = netspec.compile(
        zoo.find("human_dynamics"), "test", 2, device="reference", keep=names, overrides=REDUCED["human_dynamics"]
    )
    with closing(net):
        batch = random_batch(net.resolved, np.random.default_rng(0))
        net.forward(**batch)
        free, told = (np.asarray(net.blobs[name]) for name in names)
    np.testing.assert_array_equal(free[:25], told[:25])
    assert np.abs(free[25:] - told[25:]).max() > 0


def test_words_are_drawn_with_spaces_between_them(verse, tmp_path):
    narrow = {"vars.hidden": 4}
    weights = tmp_path / "weights.safetensors"
    with closing(netspec.compile(zoo.find("lstm_lm"), "test", 1, device="reference", overrides=narrow)) as net:
        net.save(weights)
    run = Run(weights=str(weights), device="reference", quiet=True)
    spec = load_spec(zoo.find("lstm_lm"), {**narrow, "data.classes": 12, "vars.classes": 12})
    with pytest.raises(StateError):
        sample(spec, run, Drawing(length=3))
    drawn = sample(load_spec(zoo.find("lstm_lm"), narrow), run, Drawing(length=3, prime="so long"))
    assert drawn.text.startswith("so long ")


def rnn_losses(tmp_path, clip):
    run = tmp_path / f"run{clip}"
    overrides = {**CLIPPED, "solver.clip_gradients": clip}
    netspec.Trainer(zoo.find("char_rnn"), output=run, seed=0, quiet=True, device="reference", overrides=overrides).run()
    events = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    return [event["loss"] for event in events if event["event"] == "display"]


CLIPPED = {
    "vars.hidden": 32, "data.train.batch_size": 8, "data.test.batch_size": 2, "data.test.part": [0.8, 1],
    "solver.base_lr": 3, "solver.max_iter": 30, "solver.display": 1, "solver.test_interval": 0,
}  # fmt: skip


def test_without_clipping_plain_gradient_descent_diverges_and_with_it_it_does_not(verse, tmp_path):
    free, clipped = rnn_losses(tmp_path, -1), rnn_losses(tmp_path, 0.25)
    assert free[0] == clipped[0]
    assert max(free) > free[0]
    # the letters' frequencies alone give 2.7 nats: one learns less than that from 30 steps, the other more
    assert min(free[-5:]) > 2.7
    assert max(clipped[-5:]) < 2.7
