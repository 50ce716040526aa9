"""Whole nets on the device cuda: on the fake driver with emulated kernels, and (marker cuda) on a GPU."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from fake_gpu import on_fake_gpu

import netspec
from netspec.reports.devices import why_no_gpu
from netspec.reports.gradcheck import gradcheck
from netspec.reports.timing import time_spec
from netspec.spec.load import load_spec
from netspec.training.trainer import Trainer
from runtime.errors import NumericError
from runtime.snapshot import load

SGD = {"type": "SGD", "base_lr": 0.1, "momentum": 0.9, "lr_policy": "step", "gamma": 0.5, "stepsize": 1, "max_iter": 3}
LOSS = {"name": "loss", "type": "SoftmaxWithLoss", "bottom": ["ip", "label"]}
RIGHT = {"name": "right", "type": "Accuracy", "bottom": ["ip", "label"], "include": {"phase": "test"}}
MLP = {
    "name": "mlp",
    "inputs": {"data": [5], "label": []},
    "layers": [
        {"name": "hidden", "type": "InnerProduct", "num_output": 4},
        {"name": "tanh", "type": "TanH"},
        {"name": "ip", "type": "InnerProduct", "num_output": 3},
        LOSS,
        RIGHT,
    ],
    "solver": SGD,
}
CONV = {
    "name": "conv",
    "inputs": {"data": [2, 5, 4], "label": []},
    "layers": [
        {"name": "conv", "type": "Convolution", "num_output": 3, "kernel_size": 3, "pad": 1, "bias_term": False},
        {"name": "bn", "type": "BatchNorm", "scale_bias": True},
        {"name": "relu", "type": "ReLU"},
        {"name": "pool", "type": "Pooling", "pool": "MAX", "kernel_size": 2, "stride": 2, "round": "ceil"},
        {"name": "drop", "type": "Dropout", "dropout_ratio": 0.3},
        {"name": "ip", "type": "Pooling", "pool": "AVE", "global_pooling": True},
        LOSS,
    ],
    "solver": SGD,
}
TINY = {**MLP, "layers": [{"name": "ip", "type": "InnerProduct", "num_output": 3}, LOSS]}
NORMED = {**TINY, "layers": [{"name": "bn", "type": "BatchNorm", "scale_bias": True}, *TINY["layers"]]}
BATCH = 3
BOUND = 1e-4
"""max|y - ref| / rms(ref) after some steps, as docs/reliability.md has it for float32."""


@pytest.fixture(scope="module", params=["fake", pytest.param("real", marks=pytest.mark.cuda)])
def cuda(request: pytest.FixtureRequest) -> Iterator[str]:
    """The name of a device that computes with the CUDA executor."""
    if request.param == "real":
        missing = why_no_gpu()
        if missing is not None:
            pytest.skip(missing)
        yield "cuda"
        return
    with on_fake_gpu():
        yield "cuda"


def batch_of(spec: dict, seed: int = 0, count: int = BATCH) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    return {"data": rng.standard_normal((count, *spec["inputs"]["data"])), "label": rng.integers(0, 3, count)}


def with_solver(spec: dict, **fields: object) -> dict:
    return {**spec, "solver": {**SGD, **fields}}


def opened(spec: dict, device: str, **options: object) -> netspec.Net:
    return netspec.compile(spec, batch_size=BATCH, device=device, seed=3, **options)


def trained(spec: dict, device: str, steps: int = 2, per_step: int = BATCH) -> dict[str, np.ndarray]:
    """Losses, parameters and states after some steps."""
    net = opened(spec, device)
    try:
        losses = [float(net.step(**batch_of(spec, k, per_step))["loss"]) for k in range(steps)]
        return {"loss": np.array(losses), **net.export_state()}
    finally:
        net.close()


def assert_alike(ours: dict[str, np.ndarray], reference: dict[str, np.ndarray], bound: float = BOUND) -> None:
    assert ours.keys() == reference.keys()
    for name, want in reference.items():
        rms = max(float(np.sqrt(np.mean(np.square(want, dtype=np.float64)))), 1e-2)
        assert np.abs(ours[name] - want).max(initial=0) <= bound * rms, name


@pytest.mark.parametrize("spec", [MLP, CONV], ids=lambda spec: spec["name"])
def test_training_agrees_with_the_reference_and_repeats_to_the_bit(cuda, spec):
    steps = 1 if spec is CONV else 2  # of emulated products each takes a third of a second
    ours = trained(spec, cuda, steps)
    assert_alike(ours, trained(spec, "reference", steps))
    again = trained(spec, cuda, 1) if spec is CONV else ours
    assert [name for name in ours if ours[name].tobytes() != again[name].tobytes()] == []


@pytest.mark.parametrize(
    "solver",
    [
        {"iter_size": 2},
        {"type": "Adam", "momentum": 0.9, "clip_gradients": 0.5},
        {"type": "L-BFGS", "max_evaluations": 3},
    ],
    ids=["micro-steps", "adam and clipping", "lbfgs"],
)
def test_solvers_agree_with_the_reference(cuda, solver):
    if solver.get("type") == "L-BFGS":
        spec = {**TINY, "solver": {"type": "L-BFGS", "base_lr": 1.0, "max_iter": 3, "max_evaluations": 3}}
    else:
        spec = with_solver(TINY, **solver)
    size = BATCH * solver.get("iter_size", 1)
    # a line search compares losses: what rounding changes it may change too
    assert_alike(trained(spec, cuda, 2, size), trained(spec, "reference", 2, size), 1e-3)


def test_forward_and_backward_alone_keep_what_is_asked_for(cuda):
    nets = [opened(NORMED, device, keep="all") for device in (cuda, "reference")]
    for net in nets:
        net.forward(**batch_of(NORMED))
        net.backward()
        net.backward()
    ours, reference = (
        {
            **{name: net.blobs[name] for name in ("data", "bn", "ip", "loss")},
            **{f"d {name}": net.param_grads[name] for name in net.param_grads},
            **{f"d {name}": net.blob_grads[name] for name in ("bn", "ip")},
        }
        for net in nets
    )
    assert_alike(ours, reference)
    for net in nets:
        net.close()


def test_a_test_phase_shares_the_parameters_and_takes_smaller_batches(cuda):
    figures = []
    for device in (cuda, "reference"):
        net = opened(NORMED, device)
        net.step(**batch_of(NORMED))
        test = net.phase("test", batch_size=4)
        found = [test.forward(**batch_of(NORMED, 1, count)) for count in (4, 2)]
        figures.append({f"{k} {name}": array for k, outputs in enumerate(found) for name, array in outputs.items()})
        net.close()
    assert_alike(*figures)


def test_a_loss_that_is_not_finite_leaves_everything_as_it_was(cuda):
    net = opened(NORMED, cuda)
    net.step(**batch_of(NORMED))
    before = net.export_state()
    bad = batch_of(NORMED, 1)
    bad["data"][1, 2] = np.inf
    with pytest.raises(NumericError, match="the input data has 1 infinite of 15 values"):
        net.step(**bad)
    after = net.export_state()
    assert [name for name in before if before[name].tobytes() != after[name].tobytes()] == []
    assert np.isfinite(net.step(**batch_of(NORMED, 2))["loss"])
    net.close()


@pytest.mark.slow
def test_gradients_are_right_in_float64(cuda):
    found = gradcheck(load_spec(NORMED), batch=2, samples=1, device=cuda)
    assert found.passed, found.to_text()


def test_snapshots_move_between_devices_to_the_bit(cuda, tmp_path):
    first = opened(NORMED, "cpu")
    first.step(**batch_of(NORMED))
    path = tmp_path / "cpu.safetensors"
    first.save(path)
    second = opened(NORMED, cuda)
    second.import_state(load(path).tensors)
    assert {n: a.tobytes() for n, a in second.export_state().items()} == {
        n: a.tobytes() for n, a in first.export_state().items()
    }
    second.iteration = first.iteration
    for net in (first, second):
        net.step(**batch_of(NORMED, 1))
    assert_alike(second.export_state(), first.export_state())
    second.save(tmp_path / "cuda.safetensors")
    first.import_state(load(tmp_path / "cuda.safetensors").tensors)
    assert {n: a.tobytes() for n, a in second.export_state().items()} == {
        n: a.tobytes() for n, a in first.export_state().items()
    }
    for net in (first, second):
        net.close()


def test_parameters_are_still_there_after_the_net_is_closed(cuda):
    net = opened(TINY, cuda)
    net.step(**batch_of(TINY))
    before = np.array(net.params["ip.weight"])
    net.close()
    np.testing.assert_array_equal(net.params["ip.weight"], before)


def from_file(folder: Path) -> dict:
    """The tiny net with seven samples in a file."""
    rng = np.random.default_rng(0)
    data = folder / "train.npz"
    np.savez(data, data=rng.standard_normal((7, 5)).astype(np.float32), label=rng.integers(0, 3, 7))
    source = {"train": {"source": "npz", "file": str(data), "batch_size": BATCH}}
    return {**{k: v for k, v in TINY.items() if k != "inputs"}, "data": source}


def test_a_run_goes_on_on_another_device(cuda, tmp_path):
    spec = from_file(tmp_path)
    ways = {"cpu": ("cpu", "cpu"), "to cuda": ("cpu", cuda), "from cuda": (cuda, "cpu")}
    found = {}
    for name, (first, second) in ways.items():
        folder = tmp_path / name
        Trainer(spec, folder, max_iter=2, device=first, quiet=True).run()
        Trainer(spec, folder, max_iter=3, device=second, quiet=True, resume=str(folder)).run()
        snapshot = load(folder / "snapshot_000003.safetensors")
        found[name] = {"at": np.array(snapshot.position), "iteration": np.array(3), **snapshot.tensors}
    for name in ("to cuda", "from cuda"):
        assert_alike(found[name], found["cpu"])


def test_batches_of_a_source_are_staged_while_the_step_runs(cuda, tmp_path):
    spec = from_file(tmp_path)
    runs = []
    for device in (cuda, "reference"):
        net = netspec.compile(spec, device=device, seed=3)
        losses = [float(net.step()["loss"]) for _ in range(4)]
        place = net.stream().position
        runs.append({"loss": np.array(losses), "at": np.array([place.epoch, place.cursor]), **net.export_state()})
        net.close()
    assert_alike(*runs)


def test_times_of_all_steps_are_told(cuda):
    found = time_spec(load_spec(TINY), "train", 2, cuda, steps=1)
    assert len(found.steps) > 5
    assert all(step.ms >= 0 for step in found.steps)
