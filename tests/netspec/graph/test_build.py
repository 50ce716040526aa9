from __future__ import annotations

import pytest
from net_support import INPUTS, found, layers, net_of, spec_of, wires


def fillers(entries: str, phase: str = "train") -> dict[str, str]:
    """Type of the weights' filler of each layer that has weights."""
    net = layers(entries, phase)
    return {n.name: n.layer.weight_filler.type_name for n in net.nodes if hasattr(n.layer, "weight_filler")}


FC = "type: InnerProduct, num_output: 4"
CONV = "type: Convolution, num_output: 3, kernel_size: 1"


@pytest.mark.parametrize(
    ("between", "filler"),
    [
        ("name: r, type: ReLU", "msra"),
        ("name: r, type: PReLU", "msra"),
        ("name: r, type: ELU", "msra"),
        ("name: r, type: Sigmoid", "xavier"),
        ("name: r, type: ReLU, top: a", "msra"),
        ("name: b, type: BatchNorm\nname: r, type: ReLU", "msra"),
        ("name: p, type: Pooling, kernel_size: 2\nname: r, type: ReLU", "msra"),
        ("name: e, type: Eltwise, bottom: [a, data]\nname: r, type: ReLU", "msra"),
        ("name: t, type: TanH\nname: r, type: ReLU", "xavier"),
        ("name: p, type: Pooling, kernel_size: 2\nname: d, type: Dropout", "xavier"),
        ("name: s, type: Sigmoid\nname: r, type: ReLU, bottom: a", "msra"),
    ],
)
def test_weights_start_from_msra_before_a_relu_and_from_xavier_elsewhere(between, filler):
    assert fillers(f"name: a, {CONV}\n{between}\nname: f, {FC}")["a"] == filler


def test_a_written_filler_stays():
    assert fillers(f"name: a, {FC}, weight_filler: gaussian\nname: r, type: ReLU") == {"a": "gaussian"}


def test_both_phases_start_from_the_same_weights():
    entries = f"name: a, {FC}\nname: r, type: ReLU, include: %s\nname: b, {FC}"
    assert [fillers(entries % "train", p)["a"] for p in ("train", "test")] == ["msra", "msra"]
    assert [fillers(entries % "test", p)["a"] for p in ("train", "test")] == ["xavier", "xavier"]


def test_loss_weights_default_to_one_on_the_first_top_of_a_loss():
    net = layers(f"name: fc, {FC}\nname: l, type: SoftmaxWithLoss, bottom: [fc, label], top: [l, p]")
    assert [node.loss_weights for node in net.nodes] == [(0.0,), (1.0, 0.0)]


@pytest.mark.parametrize(("weight", "expected"), [("0", (0.0, 0.0)), ("2", (2.0, 0.0)), ("[1, 0.5]", (1.0, 0.5))])
def test_loss_weights_as_written(weight, expected):
    net = layers(
        f"name: fc, {FC}\nname: l, type: SoftmaxWithLoss, bottom: [fc, label], top: [l, p], loss_weight: {weight}"
    )
    assert net.by_name["l"].loss_weights == expected


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("type: ReLU, loss_weight: [1, 2]", "E512 `x`: loss_weight has 2 values for 1 top"),
        ("type: ReLU, propagate_down: [true, true]", "E512 `x`: propagate_down has 2 values for 1 bottoms"),
    ],
)
def test_lists_for_tops_and_bottoms_have_their_length(entry, message):
    assert found(INPUTS + "layers:\n  - {name: x, " + entry + "}\n") == [f"3 {message}"]


def test_propagate_down_reaches_the_node():
    net = layers("name: x, type: Eltwise, bottom: [data, data], propagate_down: [true, false]")
    assert net.by_name["x"].propagate_down == (True, False)


def test_a_layer_knows_its_bottoms_and_tops_as_written():
    text = INPUTS + (
        "blocks:\n  b:\n    layers:\n      - {name: r, type: ReLU}\n"
        '      - {name: e, type: Expression, bottom: [in, r], expr: "in + r"}\n'
        "layers:\n  - {block: b, name: x}\n"
        '  - {name: f, type: Expression, bottom: {p: x/r, q: x}, expr: "p - q"}\n'
    )
    net = net_of(text)
    assert net.by_name["x/e"].layer.bottom_names == ("in", "r")
    assert net.by_name["f"].layer.bottom_names == ("p", "q")
    assert wires(net)["f"] == ["x/r", "x/e"]


def test_the_phases_share_no_layer_instance():
    spec = spec_of(INPUTS + "layers:\n  - {name: s, type: Slice, top: [a, b, c]}\n")
    assert spec.net("train").nodes[0].layer is not spec.net("test").nodes[0].layer
    assert spec.net("train").shapes["b"] == (1, 1, 32, 32)


def test_a_net_of_ten_thousand_layers_is_built():
    net = layers("type: ReLU, name: r, repeat: 10000")
    assert (len(net.nodes), net.outputs) == (10_000, ("r/10000",))


def test_labels_are_labels_before_layers_that_only_move_them():
    net = layers(
        f"name: fc, {FC}\nname: s, type: Slice, bottom: label, axis: 0, top: [p, q]\n"
        "name: c, type: Concat, bottom: [q, p], axis: 0\nname: l, type: SoftmaxWithLoss, bottom: [fc, c]\n"
        "name: e, type: EuclideanLoss, bottom: [soft, soft]",
        head="inputs: {data: {shape: [2, 3], batch: false}, label: {shape: [2], batch: false}, soft: [3]}\n",
    )
    assert {name: entry.kind for name, entry in net.inputs.items()} == {
        "data": "float", "label": "label", "soft": "float",
    }  # fmt: skip
