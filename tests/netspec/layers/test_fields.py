"""Fields that contradict each other, and fields read from YAML."""

from __future__ import annotations

import pytest

import netspec.layers  # noqa: F401 (registers them)
from netspec.spec.build import build
from netspec.spec.codes import CODES
from netspec.spec.diagnostics import Diagnostics
from netspec.spec.layer import Layer
from netspec.spec.read import read_text


def read(text: str):
    """(layer or None, [(severity, code, message, hint)])."""
    diagnostics = Diagnostics()
    node = read_text(text, "net.yaml", diagnostics)
    assert node is not None
    made = build(Layer, node, diagnostics, layer="it")
    return made, [(d.severity, d.code, d.message, d.hint) for d in diagnostics.items]


CONTRADICTIONS = [
    ("{type: Convolution, num_output: 2}", "E502", "Convolution needs kernel_size", "kernel_size: 3"),
    ("{type: Convolution, num_output: 2, kernel_h: 3}", "E502", "kernel_h is given, kernel_w is not", "kernel_w: 3"),
    (
        "{type: Convolution, num_output: 2, kernel_size: 3, kernel_w: 3}",
        "E511",
        "kernel_size and kernel_h/kernel_w say the same",
        "keep kernel_size, or kernel_h and kernel_w",
    ),
    (
        "{type: Convolution, num_output: 2, kernel_size: 3, stride: 1, stride_h: 2}",
        "E511",
        "stride and stride_h/stride_w say the same",
        "keep stride, or stride_h and stride_w",
    ),
    (
        "{type: Convolution, num_output: 2, kernel_size: [3, 3, 3, 3]}",
        "E512",
        "kernel_size has 4 values: [3, 3, 3, 3]",
        "kernel_size: [3, 3, 3]",
    ),
    (
        "{type: Convolution, num_output: 5, kernel_size: 3, group: 2}",
        "E414",
        "num_output 5 is not a multiple of group 2",
        "num_output: 6",
    ),
    (
        "{type: InnerProduct, num_output: 2, weight_filler: 0}",
        "W123",
        "the weights start at 0: all outputs stay alike and nothing before them learns",
        "weight_filler: xavier",
    ),
    (
        "{type: InnerProduct, num_output: 2, bias_term: false, bias_filler: 1}",
        "W125",
        "bias_filler has no effect: bias_term is false",
        "drop it",
    ),
    (
        "{type: Pooling, global_pooling: true, kernel_size: 3}",
        "E511",
        "global_pooling takes the whole map, kernel_size says otherwise",
        "drop kernel_size",
    ),
    (
        "{type: Pooling, kernel_size: 2, pad: 2}",
        "E424",
        "pad 2 is not below the kernel 2: a window could see only padding",
        "pad: 1",
    ),
    (
        "{type: BatchNorm, scale_filler: 1}",
        "E522",
        "scale_filler needs scale_bias",
        "scale_bias: true",
    ),
    (
        "{type: Eltwise, operation: max, coeff: [1, -1]}",
        "E522",
        "coeff needs operation: SUM, not MAX",
        "drop coeff",
    ),
    ("{type: ReLU, round: floor}", "W126", "ReLU has no size to round", "drop `round`"),
    (
        "{type: Pooling, kernel_size: 2, engine: cudnn}",
        "W121",
        "engine is read and ignored: the compiler chooses the kernels",
        "drop engine",
    ),
    (
        "{type: Convolution, num_output: 2, kernel_size: 3, force_nd_im2col: true}",
        "W121",
        "force_nd_im2col is read and ignored: the compiler chooses the kernels",
        "drop force_nd_im2col",
    ),
    (
        "{type: LSTM, num_output: 2, debug_info: true}",
        "W121",
        "debug_info is read and ignored: `netspec inspect` shows what a layer does",
        "drop debug_info",
    ),
    ("{type: LRN, local_size: 4}", "E523", "local_size 4 is even, the window has no middle", "local_size: 5"),
    ("{type: Slice, slice_point: [3, 2]}", "E418", "slice_point must rise", "slice_point: [2, 3]"),
    ("{type: Reshape, shape: [-1, -1]}", "E419", "only one size can be -1", "write all but one as numbers or 0"),
    ("{type: Reduction, axis: 1, axes: [1]}", "E511", "axis and axes say the same", "keep one of them"),
    (
        "{type: SoftmaxWithLoss, normalization: full, normalize: true}",
        "E511",
        "normalization and normalize say the same",
        "keep normalization",
    ),
    (
        "{type: InnerProduct, num_output: 2, weight_filler: {type: uniform, min: 1, max: 0}}",
        "E504",
        "min 1 is above max 0",
        "exchange the two",
    ),
]


@pytest.mark.parametrize(("text", "code", "message", "hint"), CONTRADICTIONS)
def test_fields_that_contradict_each_other_are_reported(text, code, message, hint):
    made, found = read(text)
    assert found == [("warning" if code.startswith("W") else "error", code, message, hint)]
    assert (made is None) == code.startswith("E")
    assert code in CODES


def test_enum_values_are_read_in_any_case_and_kept_as_caffe_writes_them():
    made, found = read("{type: Pooling, pool: ave, kernel_size: 2, round_mode: FLOOR}")
    assert found == []
    assert (made.pool, made.round, made.kernel) == ("AVE", "floor", (2, 2))


def test_fillers_are_names_numbers_or_mappings():
    made, _ = read("{type: InnerProduct, num_output: 2, weight_filler: {type: gaussian, std: 0.01}, bias_filler: 0.5}")
    assert repr(made.weight_filler) == "Gaussian(std=0.01)"
    assert repr(made.bias_filler) == "Constant(value=0.5)"
    made, _ = read("{type: InnerProduct, num_output: 2, weight_filler: MSRA, bias_filler: {value: 0.2}}")
    assert repr(made.weight_filler) == "Msra()"
    assert repr(made.bias_filler) == "Constant(value=0.2)"


@pytest.mark.parametrize(("before_relu", "filler"), [(True, "Msra()"), (False, "Xavier()")])
def test_weights_without_a_filler_start_as_their_consumer_needs(before_relu, filler):
    made, _ = read("{type: Convolution, num_output: 2, kernel_size: 3}")
    assert repr(made.with_defaults(before_relu).weight_filler) == filler
    assert made.weight_filler is None


def test_given_filler_is_kept():
    made, _ = read("{type: Convolution, num_output: 2, kernel_size: 3, weight_filler: gaussian}")
    assert made.with_defaults(True) is made
