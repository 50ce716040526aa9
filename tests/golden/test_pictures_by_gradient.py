"""Nets of the zoo that use the gradient in a picture, or another net's weights, here random ones."""

from __future__ import annotations

from contextlib import closing

import numpy as np
import pytest

import netspec
from netspec import zoo
from netspec.net import Net
from netspec.reports.plan import plan_net
from netspec.spec.load import load_spec
from netspec.training.weights import load_weights

N = 3


def compiled(name: str, phase: str = "test", **options) -> Net:
    overrides = {"weights": "", **options.pop("overrides", {})}
    fixed = {"device": "reference", "dtype": "float64", "seed": 4}
    return netspec.compile(zoo.find(name), phase, N, overrides=overrides, **fixed, **options)


@pytest.fixture(scope="module")
def digits():
    rng = np.random.default_rng(0)
    return {"data": rng.uniform(0, 1, (N, 1, 28, 28)), "label": np.array([3, 1, 4])}


@pytest.fixture(scope="module")
def lenet(digits, tmp_path_factory):
    """LeNet with the slopes of its loss and of the right scores in the pictures, and a file of its weights."""
    with closing(compiled("lenet", "train", keep=("data", "ip2"))) as net:
        net.forward(**digits)
        net.backward()
        path = tmp_path_factory.mktemp("lenet") / "lenet.safetensors"
        net.save(path)
        return path, net.blobs["ip2"].copy(), net.blob_grads["data"].copy()


def loaded(net: Net, path, prefix: str = "") -> Net:
    weights = compiled("lenet")
    load_weights(weights, path)
    for name in list(net.params):
        if name.startswith(prefix):
            net.params[name] = weights.params[name.removeprefix(prefix)]
    weights.close()
    return net


def test_fgsm_moves_each_pixel_up_the_loss_by_eps(digits, lenet):
    path, _, slope = lenet
    with closing(loaded(compiled("fgsm", keep=("attacked",)), path, "net/")) as net:
        out = net.forward(**digits)
        expected = np.clip(digits["data"] + 0.25 * np.sign(slope), 0, 1)
        np.testing.assert_allclose(net.blobs["attacked"], expected, atol=1e-12)
    assert 0 <= float(out["after"]) <= float(out["before"]) <= 1


def test_saliency_is_the_size_of_the_slope_of_the_right_score(digits, lenet):
    path, scores, _ = lenet
    with closing(loaded(compiled("saliency", keep=("map", "net/ip2")), path, "net/")) as net:
        net.forward(**digits)
        here = net.blobs["map"].copy()
        at = (1, 0, 14, 14)
        moved = digits["data"].copy()
        moved[at] += 1e-6
        net.forward(data=moved, label=digits["label"])
        slope = (net.blobs["net/ip2"][1, 1] - scores[1, 1]) / 1e-6
    assert here[at] == pytest.approx(abs(slope), rel=1e-6)  # between kinks the scores are linear in a pixel


def test_a_fully_convolutional_lenet_has_lenets_outputs(digits, lenet):
    path, scores, _ = lenet
    with closing(compiled("lenet_conv", keep=("ip2",), overrides={"vars.margin": 0})) as net:
        table = load_weights(net, path)
        assert table.names("kept") == table.names("skipped") == []
        net.forward(**digits)
        assert net.blobs["ip2"].shape == (N, 10, 1, 1)
        np.testing.assert_allclose(net.blobs["ip2"][:, :, 0, 0], scores, atol=1e-12)


def test_its_heat_map_is_lenet_slid_over_the_picture(lenet):
    path, *_ = lenet
    rng = np.random.default_rng(1)
    large, labels = rng.uniform(0, 1, (N, 1, 40, 40)), np.zeros(N, int)
    with closing(compiled("lenet_conv", keep=("heat",), overrides={"vars.margin": 6})) as net:
        load_weights(net, path)
        net.forward(data=large, label=labels)
        heat = net.blobs["heat"].copy()
    assert heat.shape == (N, 10, 4, 4)
    with closing(loaded(compiled("lenet", keep=("ip2",)), path)) as net:
        net.forward(data=large[:, :, 8:36, 4:32], label=labels)
        scores = np.exp(net.blobs["ip2"])
    np.testing.assert_allclose(heat[:, :, 2, 1], scores / scores.sum(1, keepdims=True), atol=1e-12)


def test_frozen_layers_cost_no_backward_step():
    report = plan_net(load_spec(zoo.find("finetune")).net("train"))
    backward = {layer for step in report.steps if step.segment == "backward" for layer in step.layers}
    assert backward <= {"ip2", "loss"}
    update = {layer for step in report.steps if step.segment == "update" for layer in step.layers}
    assert {"ip2"} <= update | backward
    assert {"conv1", "conv2", "ip1"}.isdisjoint(update)


def test_fine_tuning_leaves_the_features_alone():
    rng = np.random.default_rng(2)
    with closing(compiled("finetune", "train")) as net:
        before = {name: net.params[name].copy() for name in net.params}
        for _ in range(2):
            net.step(data=rng.uniform(0, 1, (N, 1, 8, 8)), label=np.array([1, 2, 3]))
        changed = {name for name in before if not np.array_equal(before[name], net.params[name])}
    assert changed == {"ip2.weight", "ip2.bias"}


@pytest.mark.parametrize("name", ["deepdream", pytest.param("style_transfer", marks=pytest.mark.slow)])
def test_only_the_picture_changes(name):
    pytest.importorskip("PIL")
    small = {"vars.rows": 16, "vars.columns": 16, "weights": ""}
    with closing(netspec.compile(zoo.find(name), "train", device="reference", overrides=small)) as net:
        before = {key: net.params[key].copy() for key in net.params}
        net.step()
        changed = {key for key in before if not np.array_equal(before[key], net.params[key])}
    assert changed == {"image.weight"}
