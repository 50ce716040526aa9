"""Phases of one net that do not have the same layers, and smaller batches of one phase."""

from __future__ import annotations

import numpy as np
import pytest

import netspec
from runtime.errors import UsageError

SPEC = {
    "name": "two-heads",
    "inputs": {"x": [5], "t": [3]},
    "layers": [
        {"name": "aux", "type": "InnerProduct", "num_output": 7, "bottom": "x", "include": "train"},
        {"name": "aux_bn", "type": "BatchNorm", "include": "train"},
        {"name": "aux_loss", "type": "Reduction", "operation": "SUMSQ", "loss_weight": 0.1, "include": "train"},
        {"name": "extra", "type": "InnerProduct", "num_output": 2, "bottom": "x", "include": "test"},
        {"name": "ip", "type": "InnerProduct", "num_output": 3, "bottom": "x"},
        {"name": "bn", "type": "BatchNorm", "scale_bias": True, "moving_average_fraction": 0.5},
        {"name": "loss", "type": "EuclideanLoss", "bottom": ["bn", "t"]},
    ],
    "solver": {"base_lr": 0.1, "momentum": 0.9, "max_iter": 10},
}


def net(**options):
    return netspec.compile(SPEC, **{"batch_size": 4, "device": "reference", "dtype": "float64", **options})


@pytest.fixture
def batch():
    rng = np.random.default_rng(0)
    return {"x": rng.normal(size=(4, 5)), "t": rng.normal(size=(4, 3))}


@pytest.mark.parametrize("device", ["reference", "cpu"])
def test_a_layer_of_training_alone_leaves_the_test_net_its_parameters(batch, device):
    n = net(device=device)
    test = n.phase("test", keep=("ip", "bn"))
    for _ in range(3):
        n.step(**batch)
    for name in ("ip.weight", "ip.bias", "bn.scale", "bn.bias"):
        np.testing.assert_array_equal(test.params[name], n.params[name])
    for name in ("bn.mean", "bn.variance", "bn.weight_sum"):
        np.testing.assert_array_equal(test.state[name], n.state[name])
    test.forward(**batch)
    expected = batch["x"] @ n.params["ip.weight"].T + n.params["ip.bias"]
    np.testing.assert_allclose(test.blobs["ip"], expected, rtol=1e-12)  # float64
    y = (expected - n.state["bn.mean"]) / np.sqrt(n.state["bn.variance"] + 1e-5)
    np.testing.assert_allclose(test.blobs["bn"], y * n.params["bn.scale"] + n.params["bn.bias"], rtol=1e-10)


def test_parameters_of_the_other_phase_alone_start_by_their_fillers_and_disturb_nothing(batch):
    n = net()
    n.step(**batch)
    before = n.params["ip.weight"]
    test = n.phase("test")
    assert np.abs(test.params["extra.weight"]).min() > 0
    np.testing.assert_array_equal(n.params["ip.weight"], before)
    again = n.phase("test", batch_size=2)
    test.params["extra.bias"] = [1, 2]
    assert again.params["extra.bias"].tolist() == [1, 2]


def test_a_test_net_can_become_one_that_trains(batch):
    test = net(phase="test")
    before = test.params["ip.weight"]
    n = test.phase("train")
    assert np.abs(n.params["aux.weight"]).min() > 0
    np.testing.assert_array_equal(n.params["ip.weight"], before)
    n.step(**batch)
    n.step(**batch)
    np.testing.assert_array_equal(test.params["ip.weight"], n.params["ip.weight"])
    own = net()
    own.import_state({name: array for name, array in test.export_state().items() if name in own.states})
    assert np.abs(n.params["ip.weight"] - before).max() > 0


def test_training_through_a_test_net_gives_the_same_numbers(batch):
    other, own = net(phase="test").phase("train"), net()
    other.import_state(own.export_state())
    for _ in range(3):
        other.step(**batch)
        own.step(**batch)
    for name in own.states:
        np.testing.assert_array_equal(other.export_state()[name], own.export_state()[name])


def test_a_parameter_of_two_shapes_is_refused():
    layers = [
        {"name": "ip", "type": "InnerProduct", "num_output": 3, "bottom": "x", "include": "train"},
        {"name": "ip", "type": "InnerProduct", "num_output": 4, "bottom": "x", "include": "test"},
    ]
    n = netspec.compile({"name": "n", "inputs": {"x": [5]}, "layers": layers}, device="reference")
    with pytest.raises(UsageError, match=r"ip\.weight is \[4, 5\] in phase test and \[3, 5\] in the other"):
        n.phase("test")


def test_a_phase_without_data_takes_the_batch_size_of_the_net_it_comes_from(batch):
    n = net()
    assert n.phase("test").batch_size == 4
    assert n.phase("train") is n
    assert n.phase("test").phase("train") is n
    assert n.phase("test", batch_size=9).batch_size == 9


def test_blobs_are_those_of_the_last_batch_however_small(batch):
    test = net(phase="test", keep=("ip",))
    test.forward(**batch)
    whole = test.blobs["ip"]
    test.forward(x=batch["x"][2:], t=batch["t"][2:])
    np.testing.assert_array_equal(test.blobs["ip"], whole[2:])
    np.testing.assert_array_equal(test.blobs["x"], batch["x"][2:])
    test.forward(**batch)
    np.testing.assert_array_equal(test.blobs["ip"], whole)
