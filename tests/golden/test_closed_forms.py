"""The linear nets of the zoo reach what least squares and convex optimisation give for them, computed here."""

from __future__ import annotations

from contextlib import closing

import numpy as np
import pytest
from scipy.optimize import minimize

import netspec
from netspec import zoo
from runtime.snapshot import load

DEVICES = ["reference", pytest.param("cpu", marks=pytest.mark.slow)]
each_device = pytest.mark.parametrize("device", DEVICES)

NEAR = 1e-4
"""What gradient training may be off, relatively."""


FEWER = {"kernel_svm": {"vars.features": 60}}
"""What SciPy and the reference need not take minutes for."""


def trained(name, device, folder):
    """The parameters at the end of ``netspec train NAME``."""
    overrides = FEWER.get(name, {})
    result = netspec.Trainer(zoo.find(name), folder, device=device, quiet=True, overrides=overrides).run()
    (snapshot,) = sorted(folder.glob("*.safetensors"))[-1:]
    return {key: array.astype(np.float64) for key, array in load(snapshot).tensors.items()}, result.outputs


def samples(name):
    """The training samples of a linear machine as rows, their labels, and the kernel machine's features of them."""
    overrides = FEWER.get(name, {})
    with closing(netspec.compile(zoo.find(name), "train", device="reference", keep="all", overrides=overrides)) as net:
        net.forward()
        blobs = {key: net.blobs[key] for key in ("data", "label", "map", "coarse") if key in net.blobs}
    x = blobs.get("coarse", blobs["data"]).reshape(len(blobs["data"]), -1)
    return x, blobs["label"].astype(int), blobs.get("map")


@each_device
def test_linear_regression_is_least_squares(device, tmp_path):
    found, _ = trained("linear_regression", device, tmp_path)
    table = np.loadtxt(zoo.folder() / "cars.csv", delimiter=",", skiprows=1)
    speed, distance = table.T
    design = np.column_stack([speed, np.ones_like(speed)])
    slope, offset = np.linalg.solve(design.T @ design, design.T @ distance)
    # the figures of R's `cars`, as every textbook prints them
    assert (round(slope, 4), round(offset, 4)) == (3.9324, -17.5791)
    weight = found["fit.weight"][0, 0] * 0.2
    assert weight == pytest.approx(slope, rel=NEAR)
    assert found["fit.bias"][0] - weight * 15.4 == pytest.approx(offset, rel=NEAR)


def softmax_loss(scores, labels):
    """The mean loss and its slope in the scores."""
    shifted = scores - scores.max(1, keepdims=True)
    p = np.exp(shifted) / np.exp(shifted).sum(1, keepdims=True)
    hit = np.eye(scores.shape[1])[labels]
    return -np.log(p[hit == 1]).mean(), (p - hit) / len(scores)


def squared_hinge(scores, labels):
    """The multi-class loss, each term squared, and its slope in the scores."""
    hit = np.eye(scores.shape[1])[labels]
    lead = np.maximum(0, scores - scores[hit == 1][:, None] + 1) * (1 - hit)
    slope = 2 * lead - hit * (2 * lead).sum(1, keepdims=True)
    return np.square(lead).sum() / len(scores), slope / len(scores)


def objective(x, labels, loss, decay):
    """The loss of a linear machine with its decay, as SciPy takes it: weights 10 x D, then biases."""

    def value(flat):
        w, b = flat[:-10].reshape(10, -1), flat[-10:]
        found, slope = loss(x @ w.T + b, labels)
        total = found + 0.5 * decay * np.square(w).sum()
        return total, np.concatenate([(slope.T @ x + decay * w).ravel(), slope.sum(0)])

    return value


@each_device
@pytest.mark.parametrize(
    ("name", "loss", "decay"),
    [
        ("softmax_regression", softmax_loss, 0.001),
        ("linear_svm", squared_hinge, 0.01),
        ("kernel_svm", squared_hinge, 0.001),
    ],
)
def test_a_convex_machine_reaches_its_minimum(name, loss, decay, device, tmp_path):
    found, outputs = trained(name, device, tmp_path)
    x, labels, features = samples(name)
    rows = x if features is None else features
    value = objective(rows, labels, loss, decay)
    best = minimize(value, np.zeros(10 * rows.shape[1] + 10), jac=True, method="L-BFGS-B",
                    options={"maxiter": 1000, "maxfun": 2000, "ftol": 1e-13, "gtol": 1e-8})  # fmt: skip
    here, _ = value(np.concatenate([found["scores.weight"].ravel(), found["scores.bias"]]))
    assert here == pytest.approx(best.fun, rel=NEAR)
    assert outputs["accuracy"] >= {"softmax_regression": 0.95, "linear_svm": 0.95, "kernel_svm": 0.93}[name]


@each_device
def test_a_deep_linear_net_is_the_product_of_its_matrices_and_reaches_least_squares(device, tmp_path):
    found, _ = trained("deep_linear", device, tmp_path)
    x, labels, _ = samples("deep_linear")
    wanted = np.eye(10)[labels]
    product = found["w3.weight"] @ found["w2.weight"] @ found["w1.weight"]
    net = netspec.compile(zoo.find("deep_linear"), "train", device=device, keep=("coarse", "w3"))
    with closing(net):
        for name, array in found.items():
            if name in net.params:
                net.params[name] = array
        net.forward()
        seen = net.blobs["coarse"].reshape(-1, 16)
        # float32: three sums of 16 terms
        np.testing.assert_allclose(net.blobs["w3"], seen @ product.T, atol=1e-5)
    closed, *_ = np.linalg.lstsq(x, wanted, rcond=None)
    least = np.square(x @ closed - wanted).sum()
    assert np.square(x @ product.T - wanted).sum() == pytest.approx(least, rel=NEAR)
