"""Nets over time: states carried from batch to batch, time-major inputs, snapshots, fused and unfused plans."""

from __future__ import annotations

import numpy as np
import pytest

import netspec
from netspec.training.evaluate import forget
from runtime.errors import UsageError

CLASSES, STEPS, BATCH = 5, 4, 3


def spec(kind="LSTM", steps=STEPS, carry=True, **fields):
    return {
        "name": "net",
        "inputs": {
            "data": {"shape": [steps, 2], "batch": 1},
            "cont": {"shape": [steps], "batch": 1},
            "label": {"shape": [steps], "batch": 1},
        },
        "layers": [
            {"name": "it", "type": kind, "bottom": ["data", "cont"], "num_output": 7, "carry": carry, **fields},
            {"name": "score", "type": "InnerProduct", "num_output": CLASSES, "axis": 2},
            {"name": "loss", "type": "SoftmaxWithLoss", "bottom": ["score", "label"], "axis": 2},
            {"name": "accuracy", "type": "Accuracy", "bottom": ["score", "label"], "axis": 2, "include": "test"},
        ],
        "solver": {"type": "SGD", "base_lr": 0.1, "momentum": 0.9, "lr_policy": "fixed", "max_iter": 10},
    }


def batch(steps=STEPS, n=BATCH, seed=0, cont=1.0):
    random = np.random.default_rng(seed)
    return {
        "data": random.standard_normal((steps, n, 2)),
        "cont": np.full((steps, n), cont),
        "label": random.integers(0, CLASSES, (steps, n)),
    }


def test_the_shape_of_a_time_major_input_has_the_batch_at_its_place():
    net = netspec.load_spec(spec()).net("train", batch=6)
    assert net.inputs["data"].shape == (STEPS, 6, 2)
    assert net.inputs["label"].shape == (STEPS, 6)


@pytest.mark.parametrize("kind", ["RNN", "LSTM", "GRU"])
def test_two_short_batches_in_a_row_are_one_long_one(kind):
    long = batch(2 * STEPS)
    whole = netspec.compile(spec(kind, 2 * STEPS), "test", batch_size=BATCH, dtype="float64", keep=["it"], seed=3)
    half = netspec.compile(spec(kind), "test", batch_size=BATCH, dtype="float64", keep=["it"], seed=3)
    whole.forward(**long)
    parts = []
    for k in range(2):
        half.forward(**{name: array[k * STEPS : (k + 1) * STEPS] for name, array in long.items()})
        parts.append(half.blobs["it"])
    # the same sums in another grouping of rows: float64
    np.testing.assert_allclose(np.concatenate(parts), whole.blobs["it"], rtol=1e-12, atol=1e-14)


def test_a_sequence_that_starts_forgets_what_was_carried():
    net = netspec.compile(spec(), "test", batch_size=BATCH, keep=["it"])
    fresh = batch(cont=1.0)
    fresh["cont"][0] = 0
    net.forward(**fresh)
    first = net.blobs["it"]
    net.forward(**batch(seed=1))
    net.forward(**fresh)
    np.testing.assert_array_equal(net.blobs["it"], first)


def test_forget_sets_carried_states_to_0():
    net = netspec.compile(spec(), "test", batch_size=BATCH, keep=["it"])
    net.forward(**batch())
    first = net.blobs["it"]
    forget(net)
    net.forward(**batch())
    np.testing.assert_array_equal(net.blobs["it"], first)


def test_only_a_step_moves_the_state_of_training_and_a_test_leaves_it_alone():
    net = netspec.compile(spec(), batch_size=BATCH)
    carried = lambda: net.export_state()["it.h"]  # noqa: E731
    net.forward(**batch())
    assert not carried().any()
    net.step(**batch())
    after = carried()
    assert after.any()
    net.phase("test").forward(**batch(seed=1))
    np.testing.assert_array_equal(carried(), after)


def test_a_run_resumed_from_a_snapshot_has_the_same_bits(tmp_path):
    net = netspec.compile(spec(), batch_size=BATCH)
    net.step(**batch(seed=0))
    state = net.export_state()
    losses = [net.step(**batch(seed=k))["loss"] for k in (1, 2)]
    again = netspec.compile(spec(), batch_size=BATCH)
    again.import_state(state)
    again.iteration = 1
    assert [again.step(**batch(seed=k))["loss"] for k in (1, 2)] == losses


def test_weights_are_loaded_without_the_carried_state(tmp_path):
    net = netspec.compile(spec(), batch_size=BATCH)
    net.step(**batch())
    net.save(tmp_path / "w.safetensors")
    other = netspec.compile(spec(), batch_size=BATCH, seed=1)
    netspec.load_weights(other, tmp_path / "w.safetensors")
    assert not other.export_state()["it.h"].any()
    np.testing.assert_array_equal(other.params["it.weight_h"], net.params["it.weight_h"])


def test_no_gradient_goes_to_the_batch_before():
    net = netspec.compile(spec(), batch_size=BATCH, dtype="float64", keep=["data"])
    net.step(**batch(seed=1))
    net.forward(**batch())
    net.backward()
    exact = net.blob_grads["data"]
    x, h = batch(), 1e-5
    direction = np.random.default_rng(5).choice([-1.0, 1.0], x["data"].shape)
    ends = [net.forward(**{**x, "data": x["data"] + s * h * direction})["loss"] for s in (1, -1)]
    # centred differences in float64: off by h^2
    assert (ends[0] - ends[1]) / (2 * h) == pytest.approx(float((exact * direction).sum()), rel=1e-6)


def test_fewer_samples_than_a_batch_are_allowed_in_a_test():
    net = netspec.compile(spec(carry=False), "test", batch_size=BATCH)
    out = net.forward(**batch(n=2))
    alone = netspec.compile(spec(carry=False), "test", batch_size=2).forward(**batch(n=2))
    assert out["loss"] == pytest.approx(float(alone["loss"]), rel=1e-6)  # float32, the same sums


def test_a_batch_of_the_wrong_size_is_refused_with_its_axis():
    net = netspec.compile(spec(), batch_size=BATCH)
    with pytest.raises(UsageError, match=r"input data: got shape \(4, 2, 2\), expected 3 samples along axis 1"):
        net.forward(**batch(n=2))


@pytest.mark.parametrize("kind", ["RNN", "LSTM", "GRU"])
def test_the_bits_do_not_depend_on_the_threads(kind):
    found = []
    for threads in (1, 2, 3):
        net = netspec.compile(spec(kind, num_layers=2), batch_size=BATCH, threads=threads)
        for k in range(3):
            net.step(**batch(seed=k))
        found.append(net.export_state())
    for other in found[1:]:
        for name, array in found[0].items():
            np.testing.assert_array_equal(other[name], array)


def test_micro_steps_cut_a_time_major_batch_along_its_own_axis():
    fields = spec(carry=False)
    fields["solver"]["iter_size"] = 2
    net = netspec.compile(fields, batch_size=BATCH)
    one = netspec.compile(spec(carry=False), batch_size=2 * BATCH)
    double = batch(n=2 * BATCH)
    net.step(**double)
    one.step(**double)
    # the mean of two halves' gradients: sums in another order, float32
    np.testing.assert_allclose(net.params["it.weight_h"], one.params["it.weight_h"], rtol=1e-4, atol=1e-6)


def test_carried_states_are_gathered_over_micro_steps():
    fields = spec()
    fields["solver"]["iter_size"] = 2
    net = netspec.compile(fields, batch_size=BATCH)
    net.step(**batch(n=2 * BATCH))
    assert net.export_state()["it.h"].any()


def test_lengths_are_numbers_like_any_input():
    layers = [{"name": "it", "type": "LSTM", "bottom": ["data", "lengths"], "num_output": 3, "lengths": True}]
    inputs = {"data": {"shape": [STEPS, 2], "batch": 1}, "lengths": []}
    net = netspec.compile({"inputs": inputs, "layers": layers}, "test", batch_size=BATCH)
    y = net.forward(data=np.ones((STEPS, BATCH, 2)), lengths=[1, 0, STEPS])["it"]
    assert [int((y[:, n] != 0).any(1).sum()) for n in range(BATCH)] == [1, 0, STEPS]


def test_attention_sees_as_many_features_as_there_are():
    layers = [
        {"name": "it", "type": "Attention", "bottom": ["f", "h", "count"], "num_output": 3, "lengths": True,
         "top": ["context", "weights"]},
    ]  # fmt: skip
    inputs = {"f": [5, 2], "h": [4], "count": []}
    net = netspec.compile({"inputs": inputs, "layers": layers}, "test", batch_size=2)
    weights = net.forward(f=np.ones((2, 5, 2)), h=np.ones((2, 4)), count=[2, 5])["weights"]
    # alike features have alike weights; float32
    np.testing.assert_allclose(weights, [[0.5, 0.5, 0, 0, 0], [0.2] * 5], rtol=1e-6)


def packings(net):
    """Launches that put the weights of the state in another order, by segment."""
    view = {entry.name: entry.view for entry in net.plan.states}["it.weight_h"]
    found = []
    for step, launches in zip(net.plan.steps, net.executor.launches, strict=True):
        for launch in launches:
            reads = (getattr(word, "memory", ""), getattr(word, "offset", -1)) if (word := launch.args[0]) else ()
            if launch.kernel.name.startswith("pack") and reads == (view.memory, view.offset):
                found.append(step.segment)
    return found


def test_weights_are_packed_once_for_all_steps():
    net = netspec.compile(spec(steps=6), batch_size=BATCH)
    assert packings(net) == ["forward", "backward"]


def test_weights_set_by_hand_are_packed_anew():
    net = netspec.compile(spec(carry=False), batch_size=BATCH, keep=["it"])
    other = netspec.compile(spec(carry=False), batch_size=BATCH, keep=["it"], seed=1)
    for each in (net, other):
        each.forward(**batch())
        each.backward()
    assert not np.array_equal(net.blobs["it"], other.blobs["it"])
    for name in net.params:
        other.params[name] = net.params[name]
    other.forward(**batch())
    other.backward()
    np.testing.assert_array_equal(net.blobs["it"], other.blobs["it"])
    for name in net.params:
        np.testing.assert_array_equal(net.param_grads[name], other.param_grads[name])
