from __future__ import annotations

import pytest
from net_support import INPUTS, found, layers

from netspec.lowering import build_graph

ENTRIES = [
    "type: Convolution, num_output: 6, kernel_h: 3, kernel_w: 5, group: 3",
    "type: Convolution, num_output: 4, kernel_size: 3, bias_term: false",
    "type: Deconvolution, num_output: 6, kernel_size: 2, group: 3",
    "type: InnerProduct, num_output: 4",
    "type: InnerProduct, num_output: 4, transpose: true, bias_term: false",
    "type: InnerProduct, num_output: 4, axis: 2",
    "type: InnerProduct, num_output: 4, axis: -1",
    "type: BatchNorm",
    "type: BatchNorm, scale_bias: true",
    "type: PReLU",
    "type: PReLU, channel_shared: true",
    "type: Scale",
    "type: Scale, bias_term: true, num_axes: 2",
    "type: Scale, axis: -2, num_axes: -1",
    "type: Scale, bottom: [data, other], axis: 0, bias_term: true",
    "type: Parameter, shape: [2, 3]",
    "type: ReLU",
]


@pytest.mark.parametrize("entry", ENTRIES)
def test_parameters_have_the_shapes_that_lowering_gives_them(entry):
    net = layers(f"name: x, {entry}", head="inputs: {data: [3, 6, 6], other: [3]}\n")
    node = net.by_name["x"]
    graph = build_graph(net)
    made = [s.read.shape for s in graph.states.values() if s.role == "param"]
    assert list(node.layer.param_shapes(*(net.shapes[b] for b in node.bottom_ids)).values()) == made


def test_tied_parameters_have_one_shape():
    text = INPUTS + (
        "layers:\n  - {name: a, type: InnerProduct, num_output: 4, params: [{name: w}]}\n"
        "  - {name: b, type: InnerProduct, bottom: data, num_output: 4, params: [{name: w}]}\n"
        "  - {name: c, type: InnerProduct, num_output: 4, params: [{}, {name: w}]}\n"
    )
    assert found(text) == ["5 E403 `c` and `a` share the parameter `w`, but it would be 4 and 4 x 3072"]


def test_params_are_not_more_than_the_parameters():
    text = INPUTS + "layers:\n  - {name: a, type: InnerProduct, num_output: 4, bias_term: false, params: [{}, {}]}\n"
    assert found(text) == ["3 E512 `a`: params has 2 entries, the layer has 1 parameter"]


def test_parameters_of_a_refused_layer_are_not_asked_for():
    text = (
        INPUTS
        + "layers:\n  - {name: a, type: Convolution, bottom: label, num_output: 4, kernel_size: 3, params: [{}]}\n"
    )
    assert [each[:6] for each in found(text)] == ["3 E413"]
