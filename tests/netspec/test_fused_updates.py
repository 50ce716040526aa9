"""Weights updated inside their weight-gradient products: the same bits as with the update apart."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import netspec
from compiler import compile as passes
from compiler.verify import verify_plan
from runtime.ops import ConvWeightGrad

SOLVER = {"type": "SGD", "base_lr": 0.1, "momentum": 0.9, "weight_decay": 0.01, "max_iter": 5}
SPEC: dict[str, Any] = {
    "name": "perceptron",
    "inputs": {"data": [5, 4, 4], "label": []},
    "layers": [
        {"name": "ip1", "type": "InnerProduct", "num_output": 70},
        {"name": "relu", "type": "ReLU"},
        {"name": "ip2", "type": "InnerProduct", "num_output": 131},
        {"name": "ip3", "type": "InnerProduct", "num_output": 10},
        {"name": "loss", "type": "SoftmaxWithLoss", "bottom": ["ip3", "label"]},
    ],
    "solver": SOLVER,
}
BATCH = {
    "data": np.random.default_rng(0).standard_normal((6, 5, 4, 4)).astype(np.float32),
    "label": np.array([0, 1, 2, 3, 9, 9]),
}


def net(spec: dict[str, Any] = SPEC, **options: Any) -> Any:
    return netspec.compile(spec, **{"batch_size": 6, "seed": 1, **options})


def fused(found: Any) -> list[str]:
    """Layers whose update runs behind a weight gradient."""
    steps = found.plan.segment("update")
    return [s.layers[0] for s in steps if isinstance(s.op, ConvWeightGrad) and s.epilogue]


def refusals(found: Any) -> dict[str, str]:
    texts = [r.why for r in found.plan.refusals if " is updated apart: " in r.why]
    return dict(text.split(" is updated apart: ") for text in texts)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_states_after_three_steps_have_the_bits_of_separate_updates(monkeypatch, dtype):
    together = net(dtype=dtype)
    monkeypatch.setattr(passes, "fuse_update", lambda graph, found: None)
    apart = net(dtype=dtype)
    assert (fused(together), fused(apart)) == (["ip1", "ip2"], [])
    for _ in range(3):
        together.step(**BATCH)
        apart.step(**BATCH)
    for name, want in apart.export_state().items():
        np.testing.assert_array_equal(want, together.export_state()[name], name)


def test_threads_do_not_change_the_bits():
    one, three = net(threads=1), net(threads=3)
    one.step(**BATCH)
    three.step(**BATCH)
    for name, want in one.export_state().items():
        assert want.tobytes() == three.export_state()[name].tobytes(), name


def test_the_cpu_agrees_with_the_reference():
    cpu, reference = net(dtype="float64"), net(dtype="float64", device="reference")
    for found in (cpu, reference):
        found.import_state({n: np.ones(e.view.shape) * 0.01 for n, e in found.states.items()})
        found.step(**BATCH)
        assert fused(found) == ["ip1", "ip2"]
    for name, want in reference.export_state().items():
        # sums of some 100 terms in float64, in another order
        np.testing.assert_allclose(cpu.export_state()[name], want, rtol=1e-10, atol=1e-13)


def test_backward_by_itself_still_gives_every_gradient_and_updates_nothing(monkeypatch):
    together = net()
    monkeypatch.setattr(passes, "fuse_update", lambda graph, found: None)
    apart = net()
    before = together.export_state()
    for found in (together, apart):
        found.forward(**BATCH)
        found.backward()
    assert list(together.param_grads) == list(apart.param_grads)
    for name in apart.param_grads:
        np.testing.assert_array_equal(apart.param_grads[name], together.param_grads[name])
    for name, want in before.items():
        np.testing.assert_array_equal(want, together.export_state()[name])


def test_the_plan_is_well_formed_and_the_old_weight_is_read_before():
    plan = net().plan
    verify_plan(plan)
    update = next(k for k, s in enumerate(plan.steps) if s.segment == "update")
    assert plan.steps[update].barrier
    weight = next(e.view for e in plan.states if e.name == "ip2.weight")
    place = weight.memory, weight.offset
    readers = [k for k, s in enumerate(plan.steps) for v in s.reads if (v.memory, v.offset) == place]
    assert readers
    assert max(readers) < update


@pytest.mark.parametrize(
    ("change", "options", "why"),
    [
        ({"solver": {**SOLVER, "iter_size": 2}}, {}, "its gradient is gathered over micro-steps"),
        ({"solver": {**SOLVER, "clip_gradients": 1.0}}, {}, "clipping by the global norm needs all gradients before"),
        ({}, {"keep": ["ip1.weight"]}, "its gradient is kept"),
        ({}, {"batch_size": 200}, "more than 128 samples make the product long"),
    ],
)
def test_a_weight_that_must_keep_its_gradient_says_why(change, options, why):
    found = net({**SPEC, **change}, **options)
    assert "ip1" not in fused(found)
    assert why in refusals(found)["ip1.weight"]


def test_a_small_weight_goes_with_the_one_update_of_many():
    assert "it is small" in refusals(net())["ip3.weight"]


def test_a_shared_weight_is_updated_apart():
    shared = [{"name": f"ip{k}", "type": "InnerProduct", "num_output": 80, "params": [{"name": "w"}]} for k in (1, 2)]
    spec = {**SPEC, "inputs": {"data": [80], "label": []}, "layers": [*shared, *SPEC["layers"][3:]]}
    found = net(spec)
    assert fused(found) == []
    found.step(data=np.ones((6, 80), np.float32), label=BATCH["label"])
