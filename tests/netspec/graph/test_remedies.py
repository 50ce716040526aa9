"""Each remedy is typed in, and helps."""

from __future__ import annotations

import re

import pytest
from net_support import checked

INPUTS = "inputs: {data: [3, 9, 9], other: [4, 9, 9], row: [7], label: []}\nlayers:\n"


def the_hint(text: str) -> str:
    (error,) = checked(text).errors
    assert error.hint is not None
    return error.hint


def sum_of(*layers: str, kind: str = "Eltwise", bottom: str = "[a, b]") -> str:
    last = f"name: s, type: {kind}, bottom: {bottom}"
    return INPUTS + "".join(f"  - {{{each}}}\n" for each in (*layers, last))


def changed(text: str, hint: str) -> str:
    """The text with the fields of a hint put into the layer that it names, in place of those it has."""
    fields, name = re.fullmatch(r"`(.*)` in `(.*)` makes them alike", hint).groups()
    lines = text.splitlines(keepends=True)
    (at,) = (n for n, line in enumerate(lines) if f"name: {name}," in line)
    for field in fields.split(", "):
        lines[at] = re.sub(rf", {field.split(':')[0]}: [^,}}]*", "", lines[at])
    lines[at] = lines[at].replace("}", f", {fields}}}", 1)
    return "".join(lines)


A = "name: a, type: Convolution, bottom: data, num_output: 4, kernel_size: 3"
ONE = "name: b, type: Convolution, bottom: data, num_output: 4, kernel_size: 1"


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        (sum_of(A, ONE), "`pad: 1` in `a` makes them alike"),
        (sum_of(A, "name: r, type: ReLU", ONE, bottom="[r, b]"), "`pad: 1` in `a` makes them alike"),
        (sum_of(A + ", stride: 2, pad: 1", ONE), "`stride: 2` in `b` makes them alike"),
        (sum_of(A + ", pad: 1", ONE.replace("4", "8")), "`num_output: 4` in `b` makes them alike"),
        (sum_of(A, ONE.replace("4", "8")), "`pad: 1, num_output: 8` in `a` makes them alike"),
        (sum_of(A, "name: b, type: Pooling, bottom: other, kernel_size: 3, stride: 2"),
         "`stride: 1` in `b` makes them alike"),
        (sum_of(A, ONE.replace("4", "8"), kind="Concat"), "`pad: 1` in `a` makes them alike"),
        (sum_of(A, ONE, kind="EuclideanLoss"), "`pad: 1` in `a` makes them alike"),
        (sum_of(A, ONE).replace("data: [3, 9, 9]", "data: [3, 9]"), "`pad: 1` in `a` makes them alike"),
        (sum_of(A.replace("size: 3", "size: [1, 3, 3], pad: [0, 1, 1]"), ONE + ", stride: 2").replace(
            "data: [3, 9, 9]", "data: [3, 9, 9, 9]"), "`stride: 1` in `b` makes them alike"),
    ],
)  # fmt: skip
def test_a_changed_field_makes_the_branches_alike(text, hint):
    assert the_hint(text) == hint
    assert checked(changed(text, hint)).errors == []


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        (sum_of(A + ", stride: 2, pad: 1", bottom="[a, data]"),
         "read `data` through {name: .., type: Convolution, bottom: data, kernel_size: 1, num_output: 4, stride: 2}"),
        (sum_of("name: a, type: InnerProduct, bottom: data, num_output: 4", bottom="[a, row]"),
         "read `row` through {name: .., type: InnerProduct, bottom: row, num_output: 4}"),
    ],
)  # fmt: skip
def test_a_layer_in_between_makes_the_branches_alike(text, hint):
    assert the_hint(text) == hint
    layer = hint.partition(" through ")[2].replace("..", "between")
    lines = text.splitlines(keepends=True)
    lines.insert(len(lines) - 1, f"  - {layer}\n")
    lines[-1] = lines[-1].replace("data]", "between]").replace("row]", "between]")
    assert checked("".join(lines)).errors == []


def test_inside_a_block_the_remedy_names_the_layer_whose_parameters_to_take():
    text = INPUTS + "  - {block: u, name: x, w: 3}\n  - {block: u, name: y, w: 8, s: 2}\n" + (
        "blocks:\n  u:\n    params: {w: , s: 1}\n    layers:\n"
        "      - {name: c, type: Convolution, num_output: $w, stride: $s, kernel_size: 3, pad: 1}\n"
        "      - {name: s, type: Eltwise, bottom: [c, in]}\n"
    )  # fmt: skip
    hint = the_hint(text)
    assert hint == (
        "read `in` through {name: .., type: Convolution, bottom: in, kernel_size: 1}"
        " with the num_output and stride of `c`"
    )
    between = "      - {name: p, type: Convolution, bottom: in, kernel_size: 1, num_output: $w, stride: $s}\n"
    remedied = text.replace("      - {name: s", between + "      - {name: s").replace("[c, in]", "[c, p]")
    assert checked(remedied).errors == []


def test_branches_that_nothing_small_makes_alike_get_no_false_hope():
    (error,) = checked(sum_of(A, bottom="[a, row]")).errors
    assert error.hint is None


@pytest.mark.parametrize(
    ("layer", "hint"),
    [
        ("type: Deconvolution, num_output: 4, kernel_size: 1, pad: 9, bottom: data", "kernel_size 11 or pad 4 fits"),
        ("type: Convolution, num_output: 4, kernel_size: 12, bottom: data", "kernel_size 9 or pad 2 fits"),
        ("type: Convolution, num_output: 4, kernel_h: 12, kernel_w: 1, bottom: data", "pad 2 fits"),
        ("type: Convolution, num_output: 4, kernel_size: 3, dilation: 9, bottom: data", "pad 5 fits"),
        ("type: Pooling, kernel_size: 12, bottom: data", "kernel_size 9 or pad 2 fits"),
        ("type: Pooling, kernel_size: 2, stride: 2, round: exact, bottom: data", "stride 1 fits"),
    ],
)
def test_a_window_that_is_said_to_fit_fits(layer, hint):
    text = INPUTS + f"  - {{name: a, {layer}}}\n"
    assert the_hint(text) == hint
    for field, value in (part.split() for part in hint.removesuffix(" fits").split(" or ")):
        without = re.sub(rf", {field}: \d+", "", layer)
        assert checked(INPUTS + f"  - {{name: a, {without}, {field}: {value}}}\n").errors == []


@pytest.mark.parametrize(
    ("shape", "hint"),
    [
        ("[0, 5, -1]", "shape: [0, -1]"),
        ("[0, 3, 8, 9]", "shape: [0, 3, -1, 9]"),
        ("[0, 1000]", "shape: [0, -1]"),
        ("[5, 3]", "shape: [-1, 3]"),
    ],
)
def test_a_reshape_that_is_said_to_fit_fits(shape, hint):
    text = INPUTS + f"  - {{name: a, type: Reshape, bottom: data, shape: {shape}}}\n"
    assert the_hint(text) == hint
    assert checked(text.replace(f"shape: {shape}", hint)).errors == []


@pytest.mark.parametrize(("blob", "hint"), [("row", "[0, 0, 1, 1]"), ("label", "[0, 1, 1, 1]")])
def test_a_convolution_on_a_vector_works_behind_the_reshape_that_is_advised(blob, hint):
    layer = "type: Convolution, num_output: 2, kernel_size: 1}\n"
    assert the_hint(INPUTS + f"  - {{name: a, bottom: {blob}, {layer}") == f"put a Reshape before it: shape: {hint}"
    reshaped = f"  - {{name: r, type: Reshape, bottom: {blob}, shape: {hint}}}\n"
    assert checked(INPUTS + reshaped + "  - {name: a, " + layer).errors == []


def test_a_wider_kernel_on_rows_is_told_how_to_make_pictures_of_them():
    inputs = "inputs: {data: [64]}\nlayers:\n"
    layer = "type: Convolution, num_output: 2, kernel_size: 3}\n"
    reshape = "{type: Reshape, shape: [0, 1, 8, 8]}"
    assert the_hint(inputs + "  - {name: a, " + layer) == (
        f"the data are rows of 64 numbers: put {reshape} first, or use InnerProduct"
    )
    assert checked(inputs + f"  - {reshape}\n  - {{name: a, {layer}").errors == []
    pooled = "  - {type: Pooling, pool: AVE, global_pooling: true}\n"
    assert the_hint(inputs + pooled) == "put a Reshape before it: shape: [0, 0, 1, 1]"


def test_a_distance_to_class_numbers_is_told_of_the_loss_for_them():
    text = "inputs: {data: [8], label: []}\nlayers:\n  - {name: fc, type: InnerProduct, num_output: 3}\n"
    assert the_hint(text + "  - {name: l, type: EuclideanLoss, bottom: [fc, label]}\n") == (
        "class numbers: type: SoftmaxWithLoss; one number a sample: num_output: 1 in the layer that predicts"
    )


def test_labels_before_the_scores_are_told_to_swap():
    text = INPUTS + "  - {name: fc, type: InnerProduct, num_output: 3}\n  - {name: l, type: %s, bottom: [label, fc]}\n"
    for kind in ("SoftmaxWithLoss", "Accuracy", "HingeLoss"):
        assert the_hint(text % kind) == "swap them: bottom: [fc, label]"
        assert checked((text % kind).replace("[label, fc]", "[fc, label]")).errors == []


RECURRENT = """layers:
  - {name: r, type: Reshape, bottom: data, shape: [0, 8, 8]}
  - {name: gru, type: GRU, bottom: [r, label], num_output: 8}
"""


def test_a_spec_with_data_is_not_told_to_write_inputs():
    asks = the_hint("inputs: {data: {shape: [1, 8, 8]}, label: []}\n" + RECURRENT)
    assert asks.startswith("inputs: {cont: {shape: [")
    (first, *others) = checked("data: {source: digits, train: {batch_size: 32}}\n" + RECURRENT).errors
    assert others == []
    assert first.hint.startswith("the data give no blob of that shape")
