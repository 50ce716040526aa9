"""Every net of the zoo takes steps that lower its loss, and has the right gradient, at a reduced size.

By the reference, so that nothing is compiled; the slow tests take whole nets on the CPU.
"""

from __future__ import annotations

from contextlib import closing

import numpy as np
import pytest

import netspec
from netspec import zoo
from netspec.reports.batches import random_batch
from netspec.reports.gradcheck import gradcheck
from netspec.spec.load import load_spec


def crop(side):
    return {"data.train.crop_size": side, "data.test.crop_size": side}


def off(*dropouts):
    """No dropout: the same net in every step."""
    return {f"layers.{name}.dropout_ratio": 0 for name in dropouts}


def outputs(count, *layers):
    return {f"layers.{name}.num_output": count for name in layers}


WIDE = {**outputs(32, "fc6", "fc7"), **outputs(10, "fc8"), **off("drop6", "drop7")}
TINY_PICTURES = {"vars.rows": 16, "vars.columns": 16}
NO_WEIGHTS = {"weights": ""}

# What makes a net small enough for the reference; batches of 2 but where a mean over the batch wants more.
REDUCED = {
    "alexnet": {**crop(67), **WIDE},
    "autoencoder": off("noisy"),
    "caffenet": {**crop(67), **WIDE},
    "cifar10_full": {**crop(16), "layers.conv1.weight_filler.std": 0.1},  # 0.0001 leaves all at the kinks of pool1
    "cifar10_quick": {**crop(16), "layers.conv1.weight_filler.std": 0.1},
    "deep_linear": {},
    "deepdream": {**TINY_PICTURES, **NO_WEIGHTS},
    "digits": off("drop"),
    "finetune": NO_WEIGHTS,
    "googlenet": {**crop(64), "vars.heads": False, **off("drop"), "layers.pool5.kernel_size": 2},
    "inception_v3": {**crop(107), "vars.head": False, **off("drop"), **outputs(10, "fc")},
    "kernel_svm": {"vars.features": 50},
    "lenet": {},
    "lenet5": {},
    "lenet_conv": {"vars.margin": 4, **NO_WEIGHTS},
    "linear_regression": {},
    "linear_svm": {},
    "locally_connected": {},
    "maxout": {"vars.units": 8, **off("drop0", "drop1", "drop2")},
    "mlp": {},
    "mlp2": {},
    "mobilenet": {**crop(64), "vars.width": 0.25, **outputs(10, "fc7")},
    "nin": {**crop(67), **off("drop")},
    "resnet101": {**crop(36), **outputs(10, "fc")},
    "resnet110": {**crop(8), "vars.depth": 14},
    "resnet152": {**crop(36), **outputs(10, "fc1000")},
    "resnet18": {**crop(36), **outputs(10, "fc")},
    "resnet20": {**crop(8), "vars.depth": 8},
    "resnet34": {**crop(36), **outputs(10, "fc")},
    "resnet50": {**crop(36), **outputs(10, "fc")},
    "resnet56": {**crop(8), "vars.depth": 8},
    "siamese": {},
    "softmax_regression": {},
    "squeezenet": {**crop(35), **outputs(10, "conv10"), **off("drop9")},
    "style_transfer": {**TINY_PICTURES},
    "vgg11": {**crop(32), **WIDE},
    "vgg13": {**crop(32), **WIDE},
    "vgg16": {**crop(32), **WIDE},
    "vgg19": {**crop(32), **WIDE},
    "zfnet": {**crop(67), **WIDE},
}
LONG = {
    "alexnet", "googlenet", "inception_v3", "nin", "resnet101", "resnet152", "resnet18", "resnet34", "resnet50",
    "style_transfer", "vgg11", "vgg13", "vgg16", "vgg19", "zfnet",
}  # fmt: skip
"""Seconds a step by the reference, even so."""

CHECKED = [
    "autoencoder", "cifar10_full", "cifar10_quick", "deep_linear", "deepdream", "digits", "finetune", "kernel_svm",
    "lenet", "linear_regression", "linear_svm", "locally_connected", "maxout", "mlp2", "resnet20", "siamese",
    "softmax_regression",
]  # fmt: skip
"""Nets whose gradient is checked at once; that of the others takes minutes, by the reference."""


TASKS = {"classification", "embedding", "pictures by gradient", "reconstruction", "regression", "transfer"}


def test_every_net_that_trains_for_these_tasks_has_its_reduced_size():
    mine = sorted(entry.name for entry in zoo.entries() if entry.task in TASKS)
    assert sorted(REDUCED) == [name for name in mine if load_spec(zoo.find(name)).solver is not None]


def losses(name, device="reference", batch=2, overrides=None, steps=3):
    """The weighted losses of steps on one batch of random numbers, at a rate that suits any net.

    Where ``overrides`` are given, the batch is that of their data source.
    """
    given = REDUCED[name] if overrides is None else overrides
    if load_spec(zoo.find(name)).solver.type_name != "L-BFGS":
        given = {"solver.iter_size": 1, "solver.base_lr": 0.0001, **given}
    net = netspec.compile(zoo.find(name), "train", batch, device=device, seed=1, overrides=given)
    with closing(net):
        batches = random_batch(net.resolved, np.random.default_rng(0)) if overrides is None else {}
        found = []
        for _ in range(steps):
            net.step(**batches)
            found.append(float(net.executor.array(net.plan.loss)))
    return found


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow) if name in LONG else name for name in REDUCED]
)
def test_three_steps_lower_the_loss(name):
    first, *_, last = losses(name)
    assert np.isfinite(first)
    assert last < first


IMAGENET = [entry.name for entry in zoo.entries() if entry.input and entry.input[-1] > 200 and entry.name in REDUCED]


@pytest.mark.slow
@pytest.mark.parametrize("name", IMAGENET)
def test_whole_nets_for_imagenet_lower_the_loss_on_synthetic_data(name):
    shape = next(entry.input for entry in zoo.entries() if entry.name == name)
    # no dropout, and no head that would normalise two single numbers
    steady = {key: REDUCED[name][key] for key in REDUCED[name] if key.endswith(("dropout_ratio", "head", "heads"))}
    # as many samples as a batch, none mirrored: each step takes the same ones
    source = {"data.source": "synthetic", "data.shape": list(shape), "data.classes": 1000, "data.samples": 2}
    source |= {"data.mean": "", "data.train.mirror": False}
    first, *_, last = losses(name, "cpu", 2, {**source, **steady})
    assert last < first


@pytest.mark.parametrize(
    "name", [name if name in CHECKED else pytest.param(name, marks=pytest.mark.slow) for name in REDUCED]
)
def test_the_gradient_is_right(name):
    spec = load_spec(zoo.find(name), REDUCED[name])
    assert gradcheck(spec, batch=2, samples=2, device="reference").passed
