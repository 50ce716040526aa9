"""The Python interface of a compiled net (docs: Python)."""

from __future__ import annotations

import numpy as np
import pytest

import netspec

SPEC = {
    "name": "small",
    "inputs": {"data": [2, 6, 6], "label": []},
    "layers": [
        {"name": "conv", "type": "Convolution", "num_output": 3, "kernel_size": 3, "pad": 1},
        {"name": "relu", "type": "ReLU"},
        {"name": "drop", "type": "Dropout", "dropout_ratio": 0.3},
        {"name": "ip", "type": "InnerProduct", "num_output": 4},
        {"name": "loss", "type": "SoftmaxWithLoss", "bottom": ["ip", "label"]},
        {"name": "accuracy", "type": "Accuracy", "bottom": ["ip", "label"], "include": "test"},
    ],
    "solver": {"type": "SGD", "base_lr": 0.1, "momentum": 0.9, "weight_decay": 0.01, "max_iter": 10},
}


def net(**options):
    return netspec.compile(SPEC, **{"batch_size": 4, "device": "reference", "dtype": "float64", **options})


@pytest.fixture
def batch():
    rng = np.random.default_rng(0)
    return {"data": rng.normal(size=(4, 2, 6, 6)), "label": np.array([0, 1, 2, 3])}


def test_parameters_come_in_execution_order_weight_before_bias():
    assert list(net().params) == ["conv.weight", "conv.bias", "ip.weight", "ip.bias"]
    assert net().params["ip.weight"].shape == (4, 3 * 6 * 6)


def test_forward_gives_the_unconsumed_tops_as_fresh_arrays(batch):
    n = net()
    out = n.forward(**batch)
    assert list(out) == ["loss"]
    assert out["loss"].shape == ()
    assert out["loss"].dtype == np.float64
    again = n.forward(**batch)
    assert again["loss"] is not out["loss"]
    assert again["loss"] == out["loss"]  # the dropout mask stays until a step


def test_step_is_forward_backward_and_update(batch):
    one, two = net(), net()
    one.forward(**batch)
    one.backward()
    grads = {name: one.param_grads[name] for name in one.params}
    before = {name: two.params[name] for name in two.params}
    out = two.step(**batch)
    assert out["loss"] == pytest.approx(one.forward(**batch)["loss"])
    assert (one.iteration, two.iteration) == (0, 1)
    for name, w in before.items():  # Caffe's rule from a zero velocity
        np.testing.assert_allclose(two.params[name], w - 0.1 * (grads[name] + 0.01 * w), rtol=1e-12, atol=1e-15)


def test_backward_gives_the_gradient_of_the_loss(batch):
    n = net(keep=["data"])
    n.forward(**batch)
    n.backward()
    h = 1e-5
    for name in ("conv.weight", "ip.bias"):
        w = n.params[name].copy()
        index = (0,) * w.ndim
        losses = []
        for sign in (1, -1):
            moved = w.copy()
            moved[index] += sign * h
            n.params[name] = moved
            losses.append(float(n.forward(**batch)["loss"]))
        n.params[name] = w
        expected = (losses[0] - losses[1]) / (2 * h)
        n.forward(**batch)
        n.backward()
        assert n.param_grads[name][index] == pytest.approx(expected, rel=1e-6, abs=1e-9)
    assert n.blob_grads["data"].shape == (4, 2, 6, 6)


def test_a_blob_that_was_not_kept_says_so(batch):
    n = net()
    n.forward(**batch)
    with pytest.raises(KeyError, match=r"blob 'conv' was not kept.*keep=\('conv',\)"):
        n.blobs["conv"]
    with pytest.raises(KeyError, match="no blob named 'convv'; near names: conv"):
        n.blobs["convv"]


def test_kept_blobs_and_gradients_can_be_read(batch):
    n = net(keep="all")
    n.forward(**batch)
    n.backward()
    np.testing.assert_array_equal(n.blobs["relu"], np.maximum(n.blobs["conv"], 0))
    assert n.blobs["ip"].flags.c_contiguous
    np.testing.assert_allclose(n.blob_grads["conv"], n.blob_grads["relu"] * (n.blobs["conv"] > 0))


def test_gradients_after_step_only_if_kept(batch):
    n = net(keep=["ip.weight"])
    n.step(**batch)
    assert n.param_grads["ip.weight"].shape == (4, 108)
    with pytest.raises(KeyError, match="gone after step"):
        n.param_grads["conv.weight"]


def test_parameters_are_copies_and_assignments_are_checked():
    n = net()
    w = n.params["conv.weight"]
    with pytest.raises(ValueError, match="read-only"):
        w[0] = 0
    n.params["conv.weight"] = np.ones((3, 2, 3, 3), np.float32)
    assert n.params["conv.weight"].sum() == 54
    with pytest.raises(netspec.UsageError, match=r"got shape \(3,\), expected \(3, 2, 3, 3\)"):
        n.params["conv.weight"] = np.ones(3)
    with pytest.raises(KeyError, match=r"near names: conv\.weight"):
        n.params["conv.weigth"]


def test_the_test_phase_shares_parameters_and_takes_smaller_batches(batch):
    n = net()
    test = n.phase("test", batch_size=4)
    n.params["ip.bias"] = np.array([9.0, 0, 0, 0])
    out = test.forward(data=batch["data"][:3], label=np.zeros(3))
    assert out["accuracy"] == 1.0
    assert test.params["ip.bias"][0] == 9.0
    with pytest.raises(netspec.UsageError, match="step works only in phase train"):
        test.step()
    with pytest.raises(netspec.UsageError, match="backward needs phase train"):
        test.backward()


def test_the_test_phase_sees_every_change_of_the_parameters(batch):
    n = net()
    test = n.phase("test")
    before = float(test.forward(**batch)["loss"])
    n.step(**batch)
    stepped = float(test.forward(**batch)["loss"])
    n.params["conv.weight"] = 2 * n.params["conv.weight"]
    assigned = float(test.forward(**batch)["loss"])
    fresh = n.phase("test", keep=["conv"])
    assert len({before, stepped, assigned}) == 3
    assert fresh.forward(**batch)["loss"] == assigned


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"data": np.zeros((3, 2, 6, 6))}, r"input data: got shape \(3, 2, 6, 6\), expected 4 samples"),
        ({"data": np.zeros((4, 2, 6, 5))}, r"got shape \(4, 2, 6, 5\), expected \(4, 2, 6, 6\)"),
        ({"label": np.array([0, 1, 2.5, 0])}, r"label of sample 2 is 2.5, not a whole number"),
        ({"lable": np.zeros(4)}, "no input named lable: expected data, label; did you mean label"),
        ({"data": "pixels"}, "expected real numbers"),
    ],
)
def test_wrong_inputs_are_usage_errors(batch, change, message):
    with pytest.raises(netspec.UsageError, match=message):
        net().forward(**{**batch, **change})


def test_a_missing_input_is_named(batch):
    with pytest.raises(netspec.UsageError, match="input label is missing: got data"):
        net().forward(data=batch["data"])


@pytest.mark.parametrize("label", [4, -1])
def test_a_label_out_of_range_names_the_sample(batch, label):
    with pytest.raises(netspec.DataError, match=rf"the label of sample 2 is {label}, outside 0..3"):
        net().step(**{**batch, "label": np.array([0, 1, label, 3])})


def test_backward_needs_a_forward():
    with pytest.raises(netspec.UsageError, match="needs a forward"):
        net().backward()


def test_without_a_solver_there_is_no_step(batch):
    spec = {k: v for k, v in SPEC.items() if k != "solver"}
    n = netspec.compile(spec, batch_size=4, device="reference")
    with pytest.raises(netspec.UsageError, match="step needs a solver"):
        n.step(**batch)


def test_inputs_must_be_given_where_there_is_no_source():
    with pytest.raises(netspec.UsageError, match="no data source for phase train: give data, label"):
        net().forward()


def test_micro_steps_average_the_gradient(batch):
    spec = {**SPEC, "solver": {**SPEC["solver"], "iter_size": 2}}
    spec["layers"] = [e for e in SPEC["layers"] if e["name"] != "drop"]
    whole = netspec.compile({**spec, "solver": SPEC["solver"]}, batch_size=4, device="reference", dtype="float64")
    halves = netspec.compile(spec, batch_size=2, device="reference", dtype="float64")
    for _ in range(2):
        a, b = whole.step(**batch), halves.step(**batch)
    assert a["loss"] == pytest.approx(b["loss"], rel=1e-12)
    for name in whole.params:
        np.testing.assert_allclose(halves.params[name], whole.params[name], rtol=1e-10, atol=1e-13)


def test_clipping_limits_the_norm_of_all_gradients_together(batch):
    solver = {"type": "SGD", "base_lr": 1.0, "clip_gradients": 0.1, "max_iter": 5}
    n = netspec.compile({**SPEC, "solver": solver}, batch_size=4, device="reference", dtype="float64")
    before = {name: n.params[name] for name in n.params}
    n.step(**batch)
    moved = np.sqrt(sum(((n.params[name] - w) ** 2).sum() for name, w in before.items()))
    assert moved == pytest.approx(0.1, rel=1e-9)


def test_a_frozen_layer_does_not_move(batch):
    layers = [dict(e) for e in SPEC["layers"]]
    layers[0]["lr_mult"] = 0
    n = netspec.compile({**SPEC, "layers": layers}, batch_size=4, device="reference")
    before = n.params["conv.weight"]
    n.step(**batch)
    np.testing.assert_array_equal(n.params["conv.weight"], before)
    assert "conv_weight_grad" not in [s.op.kind for s in n.plan.steps if "conv" in s.layers]


def test_propagate_down_false_lets_no_gradient_through(batch):
    layers = [dict(e) for e in SPEC["layers"]]
    layers[3]["propagate_down"] = [False]
    n = netspec.compile({**SPEC, "layers": layers}, batch_size=4, device="reference")
    n.forward(**batch)
    n.backward()
    assert not n.param_grads["conv.weight"].any()
    assert n.param_grads["ip.weight"].any()


def test_a_loss_that_is_not_finite_writes_nothing_and_names_the_first_bad_layer(batch):
    n = net()
    n.params["ip.weight"] = np.full((4, 108), np.inf)
    before = n.export_state()
    with pytest.raises(netspec.NumericError, match=r"iteration 0: the loss is nan.*ip \(InnerProduct\)"):
        n.step(**batch)
    for name, array in n.export_state().items():
        np.testing.assert_array_equal(array, before[name])


def test_seeds_decide_the_first_values():
    a, b, c = net(seed=1), net(seed=1), net(seed=2)
    np.testing.assert_array_equal(a.params["conv.weight"], b.params["conv.weight"])
    assert (a.params["conv.weight"] != c.params["conv.weight"]).any()


def test_save_and_load(tmp_path, batch):
    a, b = net(), net(seed=5)
    a.step(**batch)
    a.save(tmp_path / "w.safetensors")
    netspec.load_weights(b, tmp_path / "w.safetensors")
    for name in a.params:
        np.testing.assert_array_equal(b.params[name], a.params[name])


def test_the_cpu_agrees_with_the_reference(batch):
    a, b = net(device="cpu"), net()
    for _ in range(3):
        assert a.step(**batch)["loss"] == pytest.approx(b.step(**batch)["loss"], rel=1e-12)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"device": "tpu"}, "tpu"),
        ({"dtype": "float16"}, "float32 or float64"),
        ({"phase": "deploy"}, "train or test"),
        ({"keep": ["conf"]}, "near names: conv"),
        ({"threads": 0}, "threads"),
        ({"threads": 0, "device": "reference"}, "threads"),
        ({"threads": 1.5}, "threads"),
        ({"device": None}, "device None"),
        ({"dtype": np.float32}, "float32 or float64"),
        ({"batch_size": 0}, "batch_size 0: a whole number of at least 1"),
        ({"batch_size": 2.5}, "batch_size 2.5"),
        ({"batch_size": True}, "batch_size True"),
        ({"batch_size": "4"}, "batch_size '4'"),
        ({"seed": -1}, "seed -1"),
        ({"seed": 2**53}, "seed 9007199254740992: a whole number from 0 to 9007199254740991"),
        ({"keep": ["conv.weigth"]}, "keep: no parameter named 'conv.weigth'; near names: conv.weight"),
        ({"keep": [5]}, "keep: no blob or parameter named 5"),
    ],
)
def test_options_that_do_not_exist_are_usage_errors(options, message):
    with pytest.raises(netspec.UsageError, match=message):
        net(**{"device": "cpu", **options})


def test_sizes_of_numpy_are_whole_numbers():
    assert net(batch_size=np.int64(3), seed=np.int32(1)).batch_size == 3


def test_a_spec_is_a_path_or_a_mapping():
    with pytest.raises(netspec.UsageError, match="got int"):
        netspec.compile(5)


def test_backward_gives_the_same_twice_and_needs_a_forward_after_a_step(batch):
    n = net()
    n.forward(**batch)
    n.backward()
    first = dict(n.param_grads)
    n.backward()
    for name, gradient in first.items():
        np.testing.assert_array_equal(n.param_grads[name], gradient)
    n.step(**batch)
    with pytest.raises(netspec.UsageError, match="after the step"):
        n.backward()


def test_gradients_of_blobs_exist_after_backward(batch):
    n = net(keep="all")
    with pytest.raises(KeyError, match=r"exists after backward\(\)"):
        n.blob_grads["conv"]
    n.forward(**batch)
    n.backward()
    gradient = n.blob_grads["conv"]
    n.forward(**batch)
    assert list(n.blob_grads) == []
    n.step(**batch)
    np.testing.assert_array_equal(n.blob_grads["conv"], gradient)


@pytest.mark.parametrize("device", ["reference", "cpu"])
def test_inputs_can_be_read_back_without_keeping_them(batch, device):
    n = net(device=device)
    n.step(**batch)
    np.testing.assert_array_equal(n.blobs["data"], batch["data"])
    np.testing.assert_array_equal(n.blobs["label"], batch["label"])


def test_keep_all_is_a_word_for_a_phase_too():
    assert "conv" in net().phase("test", keep="all").blobs


def test_what_float32_cannot_hold_becomes_infinite_and_is_named(batch):
    n = net(dtype="float32")
    with pytest.raises(netspec.NumericError, match="the input data has 288 infinite of 288 values"):
        n.step(data=np.full((4, 2, 6, 6), 1e300), label=batch["label"])


@pytest.mark.parametrize("name", ["file/w.safetensors", "a" * 250, "nowhere/w", "nul\0"])
def test_a_file_that_cannot_be_written_is_a_state_error(tmp_path, name):
    (tmp_path / "file").touch()
    with pytest.raises(netspec.StateError, match="not written"):
        net().save(tmp_path / name)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("name", ["nowhere", "a" * 300, "nul\0"])
def test_weights_that_cannot_be_there_are_a_usage_error(tmp_path, name):
    with pytest.raises(netspec.UsageError, match="no such file"):
        netspec.load_weights(net(), tmp_path / name)


def test_the_first_bad_layer_may_be_one_that_works_in_place(batch):
    layers = [
        {"name": "ip", "type": "InnerProduct", "num_output": 4, "bottom": "data"},
        {"name": "log", "type": "Expression", "bottom": {"x": "ip"}, "expr": "log(x - 1000)", "top": "ip"},
        {"name": "loss", "type": "SoftmaxWithLoss", "bottom": ["ip", "label"]},
    ]
    n = netspec.compile({**SPEC, "layers": layers}, batch_size=4, device="reference")
    before = n.params["ip.weight"]
    with pytest.raises(netspec.NumericError, match=r"the first bad layer is log \(Expression\): ip has 16 NaN of 16"):
        n.step(**batch)
    np.testing.assert_array_equal(n.params["ip.weight"], before)


def test_an_input_that_nothing_reads_may_be_left_out(batch):
    layers = [layer if layer["name"] != "loss" else {**layer, "include": "train"} for layer in SPEC["layers"][:-1]]
    test = netspec.compile({**SPEC, "layers": layers}, phase="test", batch_size=4, device="reference")
    assert test.forward(data=batch["data"])["ip"].shape == (4, 4)
    assert test.forward(**batch)["ip"].shape == (4, 4)


def test_a_net_is_one_line_in_print():
    spec = {"name": "n", "inputs": {"data": [4]}, "layers": [{"name": "ip", "type": "InnerProduct", "num_output": 3}]}
    net = netspec.compile(spec, device="reference")
    assert repr(net) == "<netspec.Net 'n': phase train, batch 1, 15 parameters, reference f32, iteration 0>"
