"""``share``: one set of weights for several layers."""

from __future__ import annotations

import numpy as np
import pytest
from net_support import checked, net_of, spec_of

import netspec

TOWERS = """inputs: {left: [3, 8, 8], right: [3, 8, 8], same: []}
blocks:
  tower:
    params: {n: 4}
    layers:
      - {name: conv, type: Convolution, num_output: $n, kernel_size: 3}
      - {name: bn, type: BatchNorm, scale_bias: true}
      - {name: fc, type: InnerProduct, num_output: 2}
layers:
  - {block: tower, name: a, bottom: left}
  - {block: tower, name: b, bottom: right, share: a}
  - {name: both, type: Concat, bottom: [a, b]}
  - {name: loss, type: SoftmaxWithLoss, bottom: [both, same]}
solver: {type: SGD, base_lr: 0.1, max_iter: 10}
"""


def owners(net):
    return {node.name: node.owner for node in net.nodes if node.owner}


def test_an_instance_uses_the_weights_of_another_by_their_names_inside():
    assert owners(net_of(TOWERS)) == {
        "a/conv": "a/conv", "a/bn": "a/bn", "a/fc": "a/fc", "b/conv": "a/conv", "b/bn": "a/bn", "b/fc": "a/fc",
    }  # fmt: skip


def test_a_chain_of_shares_ends_at_the_owner():
    first = "layers:\n  - {block: tower, name: a"
    text = TOWERS.replace(
        first, first.replace("name: a", "name: c, bottom: right, share: b}\n  - {block: tower, name: a")
    )
    assert owners(net_of(text))["c/conv"] == "a/conv"


def test_the_owner_may_stand_further_down_and_its_factors_count():
    text = TOWERS.replace("bottom: left}", "bottom: left, share: b}").replace("share: a}", "lr_mult: 3}")
    net = net_of(text)
    assert [(node.owner, node.lr_mult) for node in net.nodes if node.name in ("a/fc", "b/fc")] == [("b/fc", 3)] * 2


def test_a_layer_shares_with_a_layer_of_its_block():
    text = """inputs: {data: [8]}
blocks:
  twice:
    layers:
      - {name: one, type: InnerProduct, num_output: 8}
      - {name: two, type: InnerProduct, num_output: 8, share: one}
layers:
  - {block: twice, name: x, repeat: 2}
  - {block: twice, name: y, share: x}
"""
    assert owners(net_of(text)) == {
        "x/1/one": "x/1/one", "x/1/two": "x/1/one", "x/2/one": "x/2/one", "x/2/two": "x/2/one",
        "y/one": "x/2/one", "y/two": "x/2/one",
    }  # fmt: skip


def test_layers_without_weights_share_nothing():
    text = "inputs: {data: [8]}\nlayers:\n  - {name: a, type: ReLU}\n  - {name: b, type: ReLU, share: a}\n"
    assert owners(net_of(text)) == {}


def test_a_flat_spec_says_who_shares():
    spec = spec_of(TOWERS)
    again = spec_of(spec.resolved())
    assert again.resolved() == spec.resolved()
    assert owners(again.net("train")) == owners(spec.net("train"))
    assert "share: a/conv}" in spec.resolved()


def test_a_difference_only_in_factors_that_a_block_around_sets_is_none():
    text = TOWERS.replace("left}", "left, lr_mult: 0}")  # as style transfer does: frozen for both
    net = net_of(text)
    assert {node.lr_mult for node in net.nodes if node.owner} == {0}
    assert checked(text).errors == []


def test_the_owner_in_one_phase_alone_still_gives_the_name(tmp_path):
    text = TOWERS.replace("bottom: left}", "bottom: left, include: train}")
    text = text.replace("bottom: [a, b]}", "bottom: [a, b], include: train}\n  - {name: one, type: ReLU, bottom: b}")
    text = text.replace("bottom: [both, same]}", "bottom: [both, same], include: train}")
    (tmp_path / "net.yaml").write_text(text)
    net = netspec.compile(tmp_path / "net.yaml", device="reference")
    test = net.phase("test")
    assert sorted(test.params) == sorted(net.params)
    assert [p.name for row in netspec.inspect(tmp_path / "net.yaml", "test").layers for p in row.params] == [
        "b/conv.weight", "b/conv.bias", "b/bn.scale", "b/bn.bias", "b/fc.weight", "b/fc.bias",
    ]  # fmt: skip


@pytest.fixture(scope="module")
def nets(tmp_path_factory):
    """A net that shares, and the same with weights of its own in both towers."""
    made = []
    for text in (TOWERS, TOWERS.replace(", share: a", "")):
        path = tmp_path_factory.mktemp("share") / "net.yaml"
        path.write_text(text)
        made.append(netspec.compile(path, batch_size=3, device="reference", dtype="float64"))
    shared, apart = made
    for name in shared.params:
        apart.params[name] = apart.params["b" + name[1:]] = shared.params[name]
    return shared, apart


def test_shared_weights_are_one_parameter_with_the_sum_of_the_gradients(nets):
    shared, apart = nets
    assert list(shared.params) == [
        "a/conv.weight",
        "a/conv.bias",
        "a/bn.scale",
        "a/bn.bias",
        "a/fc.weight",
        "a/fc.bias",
    ]
    rng = np.random.default_rng(3)
    batch = {"left": rng.normal(size=(3, 3, 8, 8)), "right": rng.normal(1, 2, (3, 3, 8, 8)), "same": [0, 1, 3]}
    for net in nets:
        net.forward(**batch)
        net.backward()
    for name, gradient in shared.param_grads.items():
        both = apart.param_grads[name] + apart.param_grads["b" + name[1:]]
        np.testing.assert_allclose(gradient, both, rtol=1e-9, atol=1e-12)  # sums in another order


def test_running_statistics_are_shared_and_see_both_towers(nets):
    shared, apart = nets
    assert list(shared.state) == ["a/bn.mean", "a/bn.variance", "a/bn.weight_sum"]
    rng = np.random.default_rng(4)
    batch = {"left": rng.normal(size=(3, 3, 8, 8)), "right": rng.normal(1, 2, (3, 3, 8, 8)), "same": [0, 1, 3]}
    for name in apart.params:
        apart.params[name] = shared.params["a" + name[1:]]
    for net in nets:
        for name, value in net.state.items():
            net.state[name] = 0 * value
        net.step(**batch)
    keep = 0.999  # the default of moving_average_fraction: the second tower's is folded in after the first's
    weight = {name: apart.state[f"{name}/bn.weight_sum"] for name in "ab"}
    sums = {name: apart.state[f"{name}/bn.mean"] * weight[name] for name in "ab"}
    total = keep * weight["a"] + weight["b"]
    np.testing.assert_allclose(shared.state["a/bn.weight_sum"], total, rtol=1e-9)
    np.testing.assert_allclose(shared.state["a/bn.mean"], (keep * sums["a"] + sums["b"]) / total, rtol=1e-9)
