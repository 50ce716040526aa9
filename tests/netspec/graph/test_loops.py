"""A user's block over time: the specs by hand and with attention, against plain loops; round trips; sharing; labels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import netspec
from netspec.spec.load import load_spec

SHARED = {"steps": 4}
T, N, CLASSES, EMBEDDED, HIDDEN = 4, 3, 7, 5, 6

GRU = """
name: by-hand
inputs:
  data: {shape: [4], batch: 1}
  label: {shape: [4], batch: 1}
  cont: {shape: [4], batch: 1}
blocks:
  gru:
    inputs: [x, h]
    outputs: [new]
    params: {hidden: }
    layers:
      - {name: xi, type: InnerProduct, bottom: x, num_output: "${3 * hidden}"}
      - {name: hi, type: InnerProduct, bottom: h, num_output: "${3 * hidden}", bias_term: false}
      - {name: xs, type: Slice, bottom: xi, top: [xr, xz, xn]}
      - {name: hs, type: Slice, bottom: hi, top: [hr, hz, hn]}
      - {name: new, type: Expression, bottom: {r: xr, s: hr, z: xz, w: hz, n: xn, m: hn, h: h},
         expr: "(1 - sigmoid(z + w)) * tanh(n + sigmoid(r + s) * m) + sigmoid(z + w) * h"}
layers:
  - {name: embed, type: Embed, bottom: data, input_dim: 7, num_output: 5}
  - {name: gru, type: Recurrent, block: gru, hidden: 6, bottom: embed, cont: cont,
     state: {h: {next: new, shape: [6]}}}
  - {name: score, type: InnerProduct, num_output: 7, axis: 2}
  - {name: loss, type: SoftmaxWithLoss, bottom: [score, label], axis: 2}
solver: {type: SGD, base_lr: 0.1, momentum: 0.9, lr_policy: fixed, max_iter: 10}
"""

READY = """
name: by-hand
inputs:
  data: {shape: [4], batch: 1}
  label: {shape: [4], batch: 1}
  cont: {shape: [4], batch: 1}
layers:
  - {name: embed, type: Embed, bottom: data, input_dim: 7, num_output: 5}
  - {name: gru, type: GRU, num_output: 6, bottom: [embed, cont]}
  - {name: score, type: InnerProduct, num_output: 7, axis: 2}
  - {name: loss, type: SoftmaxWithLoss, bottom: [score, label], axis: 2}
solver: {type: SGD, base_lr: 0.1, momentum: 0.9, lr_policy: fixed, max_iter: 10}
"""
NAMES = {"gru/xi.weight": "gru.weight_x", "gru/hi.weight": "gru.weight_h", "gru/xi.bias": "gru.bias"}


@pytest.fixture
def write(tmp_path):
    def written(text: str, name: str = "net.yaml") -> Path:
        path = tmp_path / name
        path.write_text(text)
        return path

    return written


def batch(seed: int = 0) -> dict:
    random = np.random.default_rng(seed)
    words = {name: random.integers(0, CLASSES, (T, N)) for name in ("data", "label")}
    return {**words, "cont": random.integers(0, 2, (T, N)).astype(float)}


def test_parameters_go_by_the_names_of_the_layers_inside(write):
    net = netspec.compile(write(GRU), batch_size=N)
    inside = {name: array.shape for name, array in net.params.items() if name.startswith("gru")}
    assert inside == {"gru/xi.weight": (18, 5), "gru/xi.bias": (18,), "gru/hi.weight": (18, 6)}


def test_a_gru_by_hand_learns_as_the_ready_made_one(write):
    ours = netspec.compile(write(GRU), batch_size=N, dtype="float64", keep=["gru"])
    ready = netspec.compile(write(READY, "ready.yaml"), batch_size=N, dtype="float64", keep=["gru"])
    for name in ours.params:
        ready.params[NAMES.get(name, name)] = ours.params[name]
    for k in range(3):
        ours.step(**batch(k))
        ready.step(**batch(k))
    # float64, the same sums in another order
    np.testing.assert_allclose(ours.blobs["gru"], ready.blobs["gru"], rtol=1e-9, atol=1e-12)
    for name in ours.params:
        np.testing.assert_allclose(ours.params[name], ready.params[NAMES.get(name, name)], rtol=1e-9, atol=1e-12)


def test_the_flat_spec_says_the_same_with_a_block(write):
    spec = load_spec(write(GRU))
    text = spec.resolved()
    again = load_spec(write(text, "flat.yaml"))
    assert again.resolved() == text
    assert again.net("train", batch=N).shapes == spec.net("train", batch=N).shapes


def test_what_is_in_each_time_step_is_no_blob_outside(write):
    text = GRU.replace("bottom: [score, label], axis: 2", "bottom: [gru/xi, label], axis: 2")
    (found,) = [d for d in netspec.check(write(text)).diagnostics if d.severity == "error"]
    assert found.code == "E301"


def test_inspect_counts_what_is_inside(write):
    rows = {row["name"]: row for row in netspec.inspect(write(GRU), batch=N).to_dict()["layers"]}
    assert [p["name"] for p in rows["gru"]["params"]] == ["gru/xi.weight", "gru/xi.bias", "gru/hi.weight"]
    assert rows["gru"]["flops_forward"] > 2 * T * N * 18 * (5 + 6)


def test_factors_of_the_entry_multiply_those_inside(write):
    text = GRU.replace("hidden: 6, bottom: embed", "hidden: 6, lr_mult: 0, bottom: embed")
    net = netspec.compile(write(text), batch_size=N)
    before = {name: array for name, array in net.params.items() if name.startswith("gru")}
    net.step(**batch())
    for name, array in before.items():
        np.testing.assert_array_equal(net.params[name], array)


def test_two_recurrents_share_what_is_inside(write):
    layer = "  - {name: gru, type: Recurrent, block: gru, hidden: 6, bottom: embed, cont: cont,\n"
    second = layer.replace("name: gru", "name: other, share: gru") + "     state: {h: {next: new, shape: [6]}}}\n"
    text = GRU.replace("  - {name: score, type: InnerProduct,", second + "  - {name: score, type: InnerProduct,")
    net = netspec.compile(write(text), batch_size=N, keep=["gru", "other"])
    assert not any(name.startswith("other") for name in net.params)
    net.forward(**batch())
    np.testing.assert_array_equal(net.blobs["gru"], net.blobs["other"])
    again = load_spec(write(load_spec(write(text)).resolved(), "flat.yaml"))
    assert again.resolved() == load_spec(write(text)).resolved()


STACK = """
inputs: {x: {shape: [4, 5], batch: 1}}
blocks:
  cell:
    inputs: [x, h]
    params: {width: }
    layers: [{name: new, type: RNNCell, bottom: [x, h], num_output: $width}]
layers:
  - {name: rnn, type: Recurrent, block: cell, bottom: x, state: {h: new}, each: {width: [3, 4]}}
  - {name: deep, type: Recurrent, block: cell, width: 4, bottom: x, state: {h: new}, repeat: 3}
"""


def test_each_and_repeat_work_on_layers_over_time(write):
    net = netspec.load_spec(write(STACK)).net("test", batch=N)
    shapes = {name: net.shapes[name] for name in ("rnn/1", "rnn/2", "deep/1", "deep/3")}
    assert shapes == {"rnn/1": (T, N, 3), "rnn/2": (T, N, 4), "deep/1": (T, N, 4), "deep/3": (T, N, 4)}
    compiled = netspec.compile(write(STACK), "test", batch_size=N)
    assert compiled.params["deep/2/new.weight_x"].shape == (4, 4)


LABELS = """
inputs: {x: {shape: [4], batch: 1}}
blocks:
  cell:
    inputs: [word, h]
    layers:
      - {name: embed, type: Embed, bottom: word, input_dim: 7, num_output: 5}
      - {name: drop, type: Dropout, dropout_ratio: 0.5}
      - {name: new, type: RNNCell, bottom: [drop, h], num_output: 6}
layers:
  - {name: rnn, type: Recurrent, block: cell, bottom: x, state: {h: {next: new, init: 0.5}}, carry: false}
"""


def test_labels_may_be_read_inside_and_are_looked_at(write):
    net = netspec.compile(write(LABELS), "train", batch_size=N)
    assert net.forward(x=np.zeros((T, N), int))["rnn"].shape == (T, N, 6)
    with pytest.raises(netspec.NetspecError, match=r"outside 0\.\.6"):
        net.forward(x=np.full((T, N), CLASSES))


def test_dropout_inside_has_a_mask_for_each_step(write):
    net = netspec.compile(write(LABELS), "train", batch_size=64)
    y = net.forward(x=np.zeros((T, 64), int))["rnn"]
    # one mask for all steps would bring the state of each sample to rest along one line
    steps = np.diff(y, axis=0)
    assert np.abs(steps[-1]).max() > 1e-3


def test_a_state_starts_from_a_blob(write):
    text = """
inputs: {x: {shape: [4, 5], batch: 1}, first: [3]}
blocks: {cell: {inputs: [x, h], layers: [{name: new, type: RNNCell, bottom: [x, h], num_output: 3}]}}
layers:
  - {name: rnn, type: Recurrent, block: cell, bottom: x, state: {h: {next: new, init: first}}}
"""
    net = netspec.compile(write(text), "test", batch_size=N, dtype="float64")
    first = np.random.default_rng(0).standard_normal((N, 3))
    y = net.forward(x=np.zeros((T, N, 5)), first=first)["rnn"]
    np.testing.assert_allclose(y[0], np.tanh(first @ net.params["rnn/new.weight_h"].T), rtol=1e-9)  # float64
    assert load_spec(write(load_spec(write(text)).resolved(), "flat.yaml")).net("test", batch=N).shapes["rnn"] == (
        T,
        N,
        3,
    )


def test_a_state_may_be_a_number_that_a_layer_chose(write):
    """Words that a net writes itself: ArgMax gives whole numbers, the state begins as one."""
    text = """
inputs: {tick: {shape: [4], batch: 1}}
blocks:
  writer:
    inputs: [tick, word]
    outputs: [next]
    layers:
      - {name: embed, type: Embed, bottom: word, input_dim: 7, num_output: 7, bias_term: false, weight_filler: gaussian}
      - {name: best, type: ArgMax, axis: 1}
      - {name: next, type: Reshape, shape: [-1]}
layers:
  - {name: write, type: Recurrent, block: writer, bottom: tick, state: {word: {next: next, shape: [], init: 2}}}
"""
    net = netspec.compile(write(text), "test", batch_size=N, device="reference")
    written = net.forward(tick=np.zeros((T, N)))["write"]
    best, expected = net.params["write/embed.weight"].argmax(1), [2]
    for _ in range(T):
        expected.append(int(best[expected[-1]]))
    np.testing.assert_array_equal(written, np.repeat([[k] for k in expected[1:]], N, axis=1))


def test_sample_names_blobs_of_the_test_net(write):
    end = "sample: {input: data, output: score}\n"
    assert netspec.check(write(GRU + end)).ok
    assert load_spec(write(load_spec(write(GRU + end)).resolved(), "flat.yaml")).sample.output[0] == "score"
    (found,) = netspec.check(write(GRU + end.replace("score", "scores"))).diagnostics
    assert (found.code, found.hint) == ("E301", "did you mean `score`?")


def test_a_parameter_inside_can_be_kept_and_a_bad_one_is_named(write):
    net = netspec.compile(write(GRU), batch_size=N, keep=["gru/xi.weight"])
    net.step(**batch())
    assert net.param_grads["gru/xi.weight"].shape == (18, 5)
    net.params["gru/hi.weight"] = np.full((18, 6), np.nan)
    with pytest.raises(netspec.NetspecError, match=r"gru .Recurrent.: its parameter gru/hi.weight is not finite"):
        net.step(**batch())


NESTED = """
name: nested
inputs: {x: {shape: [4, 3, 5], batch: 2}, cont: {shape: [4], batch: 1}}
blocks:
  inner:
    inputs: [x, h]
    layers: [{name: new, type: GRUCell, bottom: [x, h], num_output: 4}]
  outer:
    inputs: [x, s]
    outputs: [sum]
    layers:
      - {name: seq, type: Permute, bottom: x, order: [1, 0, 2]}
      - {name: in, type: Recurrent, block: inner, bottom: seq, state: {h: new}}
      - {name: last, type: Reduction, bottom: in, axes: [0]}
      - {name: sum, type: RNNCell, bottom: [last, s], num_output: 4}
layers:
  - {name: y, type: Permute, bottom: x, order: [0, 2, 1, 3]}
  - {name: loop, type: Recurrent, block: outer, bottom: y, cont: cont, state: {s: sum}}
"""


def test_a_loop_inside_a_loop(write):
    net = netspec.compile(write(NESTED), "test", batch_size=N, dtype="float64")
    assert sorted(net.params)[:3] == ["loop/in/new.bias", "loop/in/new.weight_h", "loop/in/new.weight_x"]
    random = np.random.default_rng(0)
    x, cont = random.standard_normal((T, 3, N, 5)), random.integers(0, 2, (T, N)).astype(float)
    p, sigmoid, s, expected = dict(net.params), lambda v: 1 / (1 + np.exp(-v)), np.zeros((N, 4)), []
    for t in range(T):
        h, total = np.zeros((N, 4)), np.zeros((N, 4))
        for u in range(3):
            i = np.split(x[t, u] @ p["loop/in/new.weight_x"].T + p["loop/in/new.bias"], 3, 1)
            o = np.split(h @ p["loop/in/new.weight_h"].T, 3, 1)
            z = sigmoid(i[1] + o[1])
            h = (1 - z) * np.tanh(i[2] + sigmoid(i[0] + o[0]) * o[2]) + z * h
            total = total + h
        s = s * cont[t][:, None]
        s = np.tanh(total @ p["loop/sum.weight_x"].T + s @ p["loop/sum.weight_h"].T + p["loop/sum.bias"])
        expected.append(s)
    # float64, sums in another order
    np.testing.assert_allclose(net.forward(x=x, cont=cont)["loop"], np.stack(expected), rtol=1e-9, atol=1e-12)
    text = load_spec(write(NESTED)).resolved()
    assert load_spec(write(text, "flat.yaml")).resolved() == text
