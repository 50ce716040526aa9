"""Moving averages of the weights through files: a test reads them wherever it is made."""

from __future__ import annotations

from contextlib import closing

import numpy as np

import netspec

SPEC = {
    "name": "averaged",
    "data": {"source": "digits", "scale": 0.0625, "train": {"batch_size": 64}, "test": {"batch_size": 100}},
    "layers": [
        {"name": "ip", "type": "InnerProduct", "num_output": 10},
        {"name": "loss", "type": "SoftmaxWithLoss", "bottom": ["ip", "label"]},
        {"name": "accuracy", "type": "Accuracy", "bottom": ["ip", "label"], "include": "test"},
    ],
    "solver": {"type": "SGD", "base_lr": 0.1, "momentum": 0.9, "average_weights": 0.9, "max_iter": 40, "display": 0},
}


def compiled(phase, **more):
    return closing(netspec.compile(SPEC, phase=phase, device="reference", **more))


def test_a_test_of_a_snapshot_has_the_figures_of_the_run(tmp_path):
    result = netspec.Trainer(SPEC, output=tmp_path / "run", device="reference", quiet=True).run()
    snapshot = tmp_path / "run" / "snapshot_000040.safetensors"
    with compiled("test", batch_size=360) as net:
        netspec.load_weights(net, snapshot)
        out = net.forward()
        assert float(out["accuracy"]) == result.outputs["accuracy"] > 0.8
        assert not np.array_equal(net.export_state()["ip.weight.average"], net.params["ip.weight"])


def test_a_file_without_averages_begins_them_as_the_parameters(tmp_path):
    plain = {**SPEC, "solver": {**SPEC["solver"], "average_weights": 0.0}}
    with closing(netspec.compile(plain, device="reference")) as net:
        for _ in range(5):
            net.step()
        net.save(tmp_path / "plain.safetensors")
        weight = net.params["ip.weight"]
    for phase in ("train", "test"):
        with compiled(phase) as net:
            netspec.load_weights(net, tmp_path / "plain.safetensors")
            test = net if phase == "test" else net.phase("test")
            np.testing.assert_array_equal(test.export_state()["ip.weight.average"], weight)
