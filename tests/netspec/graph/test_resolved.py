from __future__ import annotations

import numpy as np
import pytest
from net_support import INPUTS, spec_of

from netspec.graph import Net
from netspec.spec.load import Spec, load_spec

ELSEWHERE = ("lr_mult", "decay_mult", "loss_weight", "bias_filler")  # in the node, or written out


def told(net: Net) -> list[tuple[object, ...]]:
    """Everything that makes a net what it is, but for fields at their defaults."""
    return [
        (n.name, n.type, n.bottom_ids, n.top_ids, n.params, n.lr_mult, n.decay_mult, n.loss_weights, n.propagate_down,
         n.layer.bottom_names if n.type == "Expression" else None,
         {k: v for k, v in n.layer.values().items() if k not in ELSEWHERE},
         [net.shapes[t] for t in n.top_ids])
        for n in net.nodes
    ]  # fmt: skip


def again(spec: Spec) -> Spec:
    """Expand, load what came out, and see that it is the same and stays so."""
    text = spec.resolved()
    other = spec_of(text)
    assert other.resolved() == text
    for phase in spec.phases:
        old, new = spec.net(phase), other.net(phase)
        assert told(new) == told(old)
        assert (new.inputs, new.outputs, new.batch, new.name) == (old.inputs, old.outputs, old.batch, old.name)
    assert (other.solver, other.math, other.memory) == (spec.solver, spec.math, spec.memory)
    assert [d.message for d in other.diagnostics.items] == [d.message for d in spec.diagnostics.items]
    return other


def test_a_flat_net_shows_the_fillers_and_every_bottom():
    entries = (
        "  - {name: c, type: Convolution, num_output: 2, kernel_size: 3}\n  - {type: ReLU}\n"
        "  - {name: f, type: InnerProduct, num_output: 2, weight_filler: {type: gaussian, std: 0.1}}\n"
    )
    text = spec_of(INPUTS + "layers:\n" + entries).resolved()
    assert text.split("layers:\n")[1] == (
        "  - {name: c, type: Convolution, bottom: data, num_output: 2, kernel_size: 3, "
        "weight_filler: msra, bias_filler: 0}\n"
        "  - {name: relu1, type: ReLU, bottom: c}\n"
        "  - {name: f, type: InnerProduct, bottom: relu1, num_output: 2, weight_filler: {type: gaussian, std: 0.1}, "
        "bias_filler: 0}\n"
    )


def test_a_layer_wired_differently_in_the_phases_is_written_for_each():
    text = INPUTS + (
        "layers:\n  - {name: a, type: ReLU, include: train}\n  - {name: b, type: Sigmoid}\n  - {name: c, type: ReLU}\n"
    )
    flat = again(spec_of(text)).resolved()
    assert flat.count("name: b,") == 2
    assert flat.count("name: c,") == 1


@pytest.mark.parametrize(
    "layers",
    [
        "  - {name: a, type: ReLU}\n  - {name: b, type: Sigmoid, bottom: a, top: a}\n  - {name: c, type: ReLU}\n",
        "  - {name: s, type: Eltwise, bottom: [a, data]}\n  - {name: a, type: ReLU, bottom: data}\n",
        "  - {block: b, name: x, repeat: 3, lr_mult: 0.5, decay_mult: 0, loss_weight: 2}\n",
        '  - {name: e, type: Expression, bottom: {p: data, q: data}, expr: "p + 2 * q"}\n',
        '  - {name: e, type: Expression, bottom: data, expr: "data + $half"}\n',
        "  - {name: s, type: Slice, top: [p, q, r]}\n  - {name: t, type: Concat, bottom: [r, q, p]}\n",
        "  - {name: f, type: InnerProduct, num_output: 3, params: [{name: w, lr_mult: 2}, {decay_mult: 0}]}\n",
        "  - {name: p, type: Pooling, kernel_h: 2, kernel_w: 3, stride: 2, round: floor, include: test}\n",
        "  - {name: p, type: Eltwise, bottom: [data, data], propagate_down: [true, false], coeff: [1, -0.5]}\n",
        "  - {name: p, type: Parameter, shape: [3, 4], filler: {type: uniform, min: -1}}\n",
    ],
)
def test_expanding_again_gives_the_same_nets(layers):
    head = (
        "name: n$half$$\nmath: exact\nmemory: small\nvars: {half: 0.5}\n" + INPUTS
        + "blocks:\n  b:\n    layers:\n      - {name: r, type: ReLU, bottom: in, top: in}\n"
        "      - {name: c, type: Convolution, bottom: in, num_output: 3, kernel_size: 3, pad: 1}\n"
        "      - {name: l, type: Reduction, loss_weight: 0.25}\n"
        "layers:\n  - {block: b, name: z}\n"
    )  # fmt: skip
    tail = "solver: {type: SGD, base_lr: $half, max_iter: 10, lr_policy: multistep, gamma: 0.1, stepvalue: [3, 5]}\n"
    assert again(spec_of(head + layers + tail)).name == "n0.5$"


def test_stages_are_settled_in_a_flat_net():
    text = INPUTS + "layers:\n  - {name: a, type: ReLU, include: {stage: s}}\n  - {name: b, type: ReLU}\n"
    assert "name: a" in again(spec_of(text, stages=["s"])).resolved()
    assert "name: a" not in again(spec_of(text)).resolved()


def test_data_is_written_with_paths_that_hold_anywhere(tmp_path):
    np.savez(tmp_path / "x.npz", data=np.zeros((4, 2)), label=np.zeros(4))
    path = tmp_path / "net.yaml"
    path.write_text(
        "data: {source: npz, file: x.npz, shape: [2], scale: 0.5, train: {batch_size: 2}, test: {batch_size: 4}}\n"
        "layers:\n  - {name: f, type: InnerProduct, num_output: 3}\n"
    )
    other = again(load_spec(path))
    assert other.data["train"].file == str(tmp_path / "x.npz")
