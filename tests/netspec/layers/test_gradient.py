"""The slope of one blob in another, as a blob."""

from __future__ import annotations

from contextlib import closing

import numpy as np
import pytest

import netspec
from netspec.layers.gradient import Gradient
from netspec.spec.layer import ShapeError
from runtime.errors import UsageError


def net_of(*layers, **more):
    first = [
        {"name": "ip", "type": "InnerProduct", "bottom": "x", "num_output": 3},
        {"name": "loss", "type": "EuclideanLoss", "bottom": ["ip", "y"]},
    ]
    return {"name": "slopes", "inputs": {"x": [4], "y": [3]}, "layers": [*first, *layers], **more}


SLOPE = {"name": "slope", "type": "Gradient", "bottom": ["loss", "x"]}
random = np.random.default_rng(0)
BATCH = {"x": random.normal(size=(5, 4)), "y": random.normal(size=(5, 3))}


def expected(net, x, y):
    w, bias = net.params["ip.weight"], net.params["ip.bias"]
    return (x @ w.T + bias - y) @ w / len(x)


@pytest.mark.parametrize("device", ["cpu", "reference"])
@pytest.mark.parametrize("phase", ["train", "test"])
def test_the_slope_is_that_of_the_formula(phase, device):
    spec = net_of(SLOPE)
    with closing(netspec.compile(spec, phase=phase, batch_size=5, dtype="float64", device=device)) as net:
        np.testing.assert_allclose(net.forward(**BATCH)["slope"], expected(net, **BATCH), rtol=1e-12)


def test_one_step_along_its_sign_raises_the_loss():
    attack = {"name": "up", "type": "Expression", "bottom": ["x", "slope"], "expr": "x + 0.1 * sign(slope)"}
    again = {"name": "ip2", "type": "InnerProduct", "bottom": "up", "num_output": 3, "share": "ip"}
    after = {"name": "after", "type": "EuclideanLoss", "bottom": ["ip2", "y"]}
    spec = net_of(SLOPE, attack, again, after)
    with closing(netspec.compile(spec, phase="test", batch_size=5, keep=("loss",))) as net:
        assert net.forward(**BATCH)["after"] > net.blobs["loss"]


def test_a_penalty_on_the_slope_has_a_gradient_itself():
    penalty = {"name": "penalty", "type": "Reduction", "bottom": "slope", "operation": "SUMSQ", "loss_weight": 2}
    with closing(netspec.compile(net_of(SLOPE, penalty), batch_size=5, dtype="float64", keep=("loss",))) as net:
        net.forward(**BATCH)
        net.backward()
        found = net.param_grads["ip.weight"]
        w = net.params["ip.weight"].copy()

        def total(v):
            net.params["ip.weight"] = v
            out = net.forward(**BATCH)
            return net.blobs["loss"] + 2 * out["penalty"]

        direction = random.choice([-1.0, 1.0], w.shape)
        slope = (total(w + 1e-5 * direction) - total(w - 1e-5 * direction)) / 2e-5
        assert (found * direction).sum() == pytest.approx(slope, rel=1e-6)


def test_what_does_not_depend_is_said():
    other = {"name": "slope", "type": "Gradient", "bottom": ["loss", "unused"]}
    spec = net_of(other)
    spec["inputs"]["unused"] = [2]
    with pytest.raises(UsageError, match="slope: loss does not depend on unused"):
        netspec.compile(spec, batch_size=5, device="reference")


def test_the_first_bottom_is_a_number():
    with pytest.raises(ShapeError, match="must be a single number"):
        Gradient(name="g").shapes((5, 3), (5, 4))
    assert Gradient(name="g").shapes((), (5, 4)) == (5, 4)
