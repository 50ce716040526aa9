"""Directional derivatives of nets against the slope of the net itself."""

from __future__ import annotations

from contextlib import closing

import numpy as np
import pytest

import netspec
from runtime.errors import UsageError

LECTURE = {
    "name": "lecture",
    "inputs": {"x": [2]},
    "layers": [
        {"name": "parts", "type": "Slice", "bottom": "x", "top": ["x1", "x2"]},
        {"name": "y", "type": "Expression", "bottom": ["x1", "x2"], "expr": "x1 * x2 + sin(x1)"},
    ],
}
NET = {
    "name": "small",
    "inputs": {"data": [3, 8, 8], "label": []},
    "layers": [
        {"name": "conv", "type": "Convolution", "bottom": "data", "num_output": 4, "kernel_size": 3, "pad": 1},
        {"name": "norm", "type": "BatchNorm"},
        {"name": "act", "type": "TanH"},
        {"name": "pool", "type": "Pooling", "pool": "AVE", "kernel_size": 2, "stride": 2},
        {"name": "drop", "type": "Dropout"},
        {"name": "ip", "type": "InnerProduct", "num_output": 5},
        {"name": "loss", "type": "SoftmaxWithLoss", "bottom": ["ip", "label"]},
    ],
}


def test_the_lectures_example_gives_both_partial_derivatives():
    x = np.array([[2.0, 5.0], [-1.0, 0.5]])
    with closing(netspec.compile(LECTURE, batch_size=2, dtype="float64", device="reference")) as net:
        along = [net.jvp({"x": np.tile(unit, (2, 1))}, x=x)["y"][:, 0] for unit in np.eye(2)]
    np.testing.assert_allclose(along[0], x[:, 1] + np.cos(x[:, 0]), rtol=1e-14)
    np.testing.assert_allclose(along[1], x[:, 0], rtol=1e-14)


@pytest.mark.parametrize("device", ["cpu", "reference"])
def test_a_net_moves_as_its_tangent_says(device):
    random = np.random.default_rng(0)
    batch = {"data": random.normal(size=(4, 3, 8, 8)), "label": random.integers(0, 5, 4)}
    with closing(netspec.compile(NET, batch_size=4, dtype="float64", device=device)) as net:
        before = {name: net.params[name] for name in net.params}
        tangents = {name: random.normal(size=before[name].shape) for name in ("conv.weight", "ip.bias")}
        tangents["data"] = random.normal(size=batch["data"].shape)
        found = net.jvp(tangents, **batch)

        def at(h):
            for name, value in before.items():
                net.params[name] = value + h * tangents.get(name, 0.0)
            return net.forward(**{**batch, "data": batch["data"] + h * tangents["data"]})

        ahead, behind = at(1e-5), at(-1e-5)
        assert found.keys() == ahead.keys()
        for name, slope in found.items():
            # off by h^2 and 1e-16 / h, times values of size 1
            np.testing.assert_allclose(slope, (ahead[name] - behind[name]) / 2e-5, rtol=1e-6, atol=1e-7)


def test_tangents_leave_parameters_and_statistics_as_they_are():
    random = np.random.default_rng(1)
    with closing(netspec.compile(NET, batch_size=2)) as net:
        before = net.export_state()
        net.jvp({"ip.weight": np.ones((5, 64))}, data=random.normal(size=(2, 3, 8, 8)), label=[0, 1])
        for name, array in net.export_state().items():
            np.testing.assert_array_equal(array, before[name])


def test_wrong_names_and_shapes_are_said():
    batch = {"data": np.zeros((2, 3, 8, 8)), "label": [0, 1]}
    with closing(netspec.compile(NET, batch_size=2, device="reference")) as net:
        with pytest.raises(UsageError, match=r"no parameter or floating input 'label'; there are data, conv\.weight"):
            net.jvp({"label": [0, 1]}, **batch)
        with pytest.raises(UsageError, match=r"tangent of 'ip.bias' has shape \(4,\), expected \(5,\)"):
            net.jvp({"ip.bias": np.zeros(4)}, **batch)
