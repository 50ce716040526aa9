"""time: shape of the report, sums, shares. No test asserts a speed."""

from __future__ import annotations

import json

import pytest

from netspec.reports.plan import plan_net
from netspec.reports.timing import time_spec
from netspec.spec.load import load_spec
from runtime.errors import UsageError

SPEC = {
    "name": "timed",
    "inputs": {"data": [2, 6, 6], "label": []},
    "layers": [
        {"name": "conv", "type": "Convolution", "num_output": 3, "kernel_size": 3},
        {"name": "relu", "type": "ReLU"},
        {"name": "ip", "type": "InnerProduct", "num_output": 4},
        {"name": "loss", "type": "SoftmaxWithLoss", "bottom": ["ip", "label"]},
    ],
    "solver": {"type": "SGD", "base_lr": 0.01, "momentum": 0.9, "max_iter": 1},
}


@pytest.fixture(scope="module", params=["cpu", "reference"])
def timing(request):
    return time_spec(load_spec(SPEC), batch=2, device=request.param, steps=2)


def test_the_document_has_the_keys_of_the_interface(timing):
    document = json.loads(json.dumps(timing.to_dict()))
    wanted = {"step_ms", "forward_ms", "backward_ms", "update_ms", "first_step_ms", "steps", "layers", "arena_bytes"}
    assert wanted <= set(document)
    assert set(document["step_ms"]) == {"min", "median"}
    assert set(document["steps"][0]) == {"index", "layers", "ms", "gflops_per_s", "gbytes_per_s", "algorithm"}
    assert [layer["name"] for layer in document["layers"]] == ["conv", "relu", "ip", "loss"]


def test_shares_are_of_what_the_device_can_tell_about_itself(timing):
    text = timing.to_text()
    known = timing.peak_gflops is not None
    assert known == (timing.memory_gbytes is not None) == ("GB/s in memory" in text)
    assert timing.to_dict()["memory_gbytes_per_s"] == timing.memory_gbytes


def test_times_are_positive_and_the_first_step_holds_the_compilation(timing):
    assert len(timing.step_ms) == 2
    assert 0 < min(timing.step_ms) < timing.first_step_ms


def test_steps_are_shared_out_among_layers_without_loss(timing):
    forward = sum(layer.forward_ms for layer in timing.layers)
    assert forward == pytest.approx(timing.segment_ms("forward", "guard"), rel=0.5, abs=0.2)


def test_the_text_names_every_layer(timing):
    text = timing.to_text()
    assert all(layer.name in text for layer in timing.layers)
    assert "a step" in text


def test_phase_test_times_forward_alone():
    timing = time_spec(load_spec(SPEC), phase="test", batch=2, device="reference", steps=1)
    assert (timing.segment_ms("backward"), timing.segment_ms("update")) == (0, 0)


def test_a_rate_at_which_a_net_diverges_leaves_every_step_timed():
    timing = time_spec(load_spec(SPEC, {"solver.base_lr": 1e9}), batch=2, steps=3)
    assert timing.segment_ms("backward") > 0
    assert timing.segment_ms("update") > 0


def test_no_steps_are_refused():
    with pytest.raises(UsageError, match="at least 1"):
        time_spec(load_spec(SPEC), steps=0)


def test_steps_have_the_numbers_of_the_plan(timing):
    planned = plan_net(load_spec(SPEC).net("train", batch=2)).to_dict()["steps"]
    numbers = [(s["index"], s["layers"]) for s in planned if s["segment"] != "init"]
    assert [(s["index"], s["layers"]) for s in timing.to_dict()["steps"]] == numbers


def test_the_text_fits_the_terminal(timing):
    assert max(map(len, timing.to_text(80).splitlines())) <= 80
