"""The nets of the zoo that learn from the source ``shapes``: steps on its scenes at a reduced size, and gradients.

By the reference, so that nothing is compiled; the slow tests train two of them to a goal.
"""

from __future__ import annotations

import json
from contextlib import closing

import numpy as np
import pytest

import netspec
from netspec import zoo
from netspec.reports.gradcheck import gradcheck
from netspec.spec.load import load_spec

NARROW = {"data.size": 16, "vars.width": 2}


def outputs(count, *layers):
    return {f"layers.{name}.num_output": count for name in layers}


# What makes a net small enough for the reference.
REDUCED = {
    "deconvnet": {"vars.size": 16, "vars.width": 2},
    "depth": {"vars.size": 16, **outputs(4, "c1", "c2", "c3", "c6", "f1", "f3", "f4")},
    "dilated": NARROW,
    "fast_rcnn": {"data.size": 32, "data.rois": 6, **outputs(4, "conv1", "conv2", "conv3", "fc6", "fc7")},
    "faster_rcnn": {"vars.size": 32, "vars.regions": 6, **outputs(4, "conv1", "conv2", "conv3", "conv4", "rpn", "fc6")},
    "fcn16s": NARROW,
    "fcn32s": NARROW,
    "fcn8s": NARROW,
    "flownet_c": NARROW,
    "flownet_s": NARROW,
    "rcnn": {"data.size": 32, "data.rois": 6, "vars.side": 8, **outputs(4, "conv1", "conv2", "conv3", "fc6")},
    "segnet": NARROW,
    "unet": NARROW,
}
CHECKED_BY_DEFAULT = ("depth", "fast_rcnn", "fcn8s", "flownet_c")
FIGURES = ("ap", "epe", "iou", "relative")
TASKS = {"depth", "detection", "flow", "segmentation"}


def test_every_net_that_trains_for_these_tasks_has_its_reduced_size():
    mine = sorted(entry.name for entry in zoo.entries() if entry.task in TASKS)
    assert sorted(REDUCED) == [name for name in mine if load_spec(zoo.find(name)).solver is not None]


@pytest.mark.parametrize("name", REDUCED)
def test_steps_on_one_batch_lower_the_loss(name):
    overrides = {**REDUCED[name], "data.train.count": 2, "data.shuffle": False, "solver.base_lr": 0.001}
    net = netspec.compile(zoo.find(name), "train", 2, device="reference", seed=1, overrides=overrides)
    with closing(net):
        losses = []
        for _ in range(4):
            net.step()
            losses.append(float(net.executor.array(net.plan.loss)))
    assert np.isfinite(losses).all()
    assert losses[-1] < losses[0]


@pytest.mark.parametrize("name", REDUCED)
def test_a_test_gives_its_figure(name):
    net = netspec.compile(zoo.find(name), "test", 2, device="reference", overrides=REDUCED[name])
    with closing(net):
        (found,) = (value for top, value in net.forward().items() if top in FIGURES)
    assert np.shape(found) == ()
    # nothing is learned yet; BatchNorm has no statistics before the first update
    assert found >= 0 or (np.isnan(found) and name in ("segnet", "deconvnet"))


@pytest.mark.parametrize(
    "name", [name if name in CHECKED_BY_DEFAULT else pytest.param(name, marks=pytest.mark.slow) for name in REDUCED]
)
def test_the_gradient_is_right(name):
    spec = load_spec(zoo.find(name), REDUCED[name])
    found = gradcheck(spec, batch=2, samples=2, device="reference")
    # random regions hold no shape and random boxes are none: there biases stay at kinks, and boxes have no gradient
    detects = "gt_boxes" in spec.net("test").inputs
    checks = [check for check in found.checks if check.kind == "param"] if detects else found.checks
    verdicts = {check.verdict(found.tolerance) for check in checks}
    assert verdicts <= ({"ok", "kinks"} if detects else {"ok"})
    assert "ok" in verdicts


@pytest.mark.slow
@pytest.mark.parametrize(("name", "figure", "least"), [("unet", "iou", 0.9), ("fast_rcnn", "ap", 0.8)])
def test_a_net_reaches_its_goal_from_the_spec_alone(name, figure, least, tmp_path):
    netspec.Trainer(zoo.find(name), output=tmp_path / "run", seed=0, quiet=True).run()
    events = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    assert [event for event in events if event["event"] == "test"][-1]["outputs"][figure] >= least
