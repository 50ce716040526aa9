from __future__ import annotations

import pytest
from net_support import INPUTS, checked, found, layers, net_of, wires

LOSS = "name: fc, type: InnerProduct, num_output: 10\nname: loss, type: SoftmaxWithLoss, bottom: [fc, label]\n"


def test_a_layer_takes_the_first_top_of_the_entry_before_it():
    got = layers("name: a, type: ReLU\nname: s, type: Slice, top: [x, y, z]\nname: b, type: ReLU")
    assert wires(got) == {"a": ["data"], "s": ["a"], "b": ["x"]}


def test_losses_and_metrics_are_stepped_over():
    got = layers(LOSS + "name: acc, type: Accuracy, bottom: [fc, label]\nname: prob, type: Softmax")
    assert wires(got)["prob"] == ["fc"]


def test_a_layer_with_a_loss_weight_is_a_loss_and_stepped_over():
    got = layers("name: a, type: ReLU\nname: total, type: Reduction, loss_weight: 0.1\nname: b, type: ReLU")
    assert wires(got)["b"] == ["a"]
    assert list(got.losses()) == [("total", 0.1)]


def test_the_first_layer_takes_the_first_input():
    assert wires(layers("name: a, type: ReLU", head="inputs: {x: [2], y: [3]}\n")) == {"a": ["x"]}


def test_a_top_is_the_name_and_never_in_place_by_itself():
    net = layers("name: a, type: ReLU\nname: b, type: ReLU, top: c\nname: d, type: ReLU")
    assert [(n.tops, n.top_ids) for n in net.nodes] == [(("a",),) * 2, (("c",),) * 2, (("d",),) * 2]
    assert wires(net)["d"] == ["c"]


def test_a_top_equal_to_the_bottom_works_in_place():
    net = layers("name: a, type: ReLU\nname: b, type: Sigmoid, bottom: a, top: a\nname: c, type: TanH, top: a\n"
                 "name: d, type: ReLU\nname: e, type: ReLU, bottom: a")  # fmt: skip
    assert wires(net) == {"a": ["data"], "b": ["a"], "c": ["a#2"], "d": ["a#3"], "e": ["a#3"]}
    assert net.by_name["b"].top_ids == ("a#2",)
    assert net.by_name["b"].tops == ("a",)


def test_a_reader_above_a_layer_in_place_sees_the_blob_before_it():
    net = layers("name: a, type: ReLU\nname: early, type: ReLU, bottom: a\nname: b, type: Sigmoid, bottom: a, top: a\n"
                 "name: late, type: ReLU, bottom: a")  # fmt: skip
    assert (wires(net)["early"], wires(net)["late"]) == (["a"], ["a#2"])


def test_an_input_may_be_remade_in_place():
    net = layers("name: a, type: ReLU, top: data\nname: b, type: ReLU, bottom: data")
    assert wires(net) == {"a": ["data"], "b": ["data#2"]}


def test_a_port_may_be_remade_in_place_inside_the_block_alone():
    text = INPUTS + (
        "blocks:\n  b:\n    layers:\n      - {name: r, type: ReLU, bottom: in, top: in}\n"
        "      - {name: s, type: Sigmoid, bottom: in}\n"
        "layers:\n  - {block: b, name: x}\n  - {name: y, type: ReLU, bottom: data}\n"
    )
    assert wires(net_of(text)) == {"x/r": ["data"], "x/s": ["x/in"], "y": ["data"]}


def test_a_bottom_may_be_made_further_down():
    net = layers("name: sum, type: Eltwise, bottom: [a, b]\nname: a, type: ReLU, bottom: data\nname: b, type: Sigmoid")
    assert [n.name for n in net.nodes] == ["a", "b", "sum"]
    assert wires(net)["b"] == ["a"]


def test_execution_keeps_the_order_of_the_file_among_equals():
    net = layers("name: z, type: ReLU\nname: a, type: ReLU, bottom: data\nname: m, type: Eltwise, bottom: [q, a]\n"
                 "name: q, type: ReLU, bottom: z")  # fmt: skip
    assert [n.name for n in net.nodes] == ["z", "a", "q", "m"]


def test_layers_without_bottoms_take_nothing_from_the_chain():
    net = layers("name: w, type: Parameter, shape: [4]\nname: a, type: ReLU")
    assert wires(net) == {"w": [], "a": ["w"]}


def test_a_block_that_has_no_layers_of_its_own_kind_passes_its_input_on():
    text = (
        INPUTS + "blocks: {b: {layers: []}}\nlayers:\n  - {block: b, name: x}\n  - {name: y, type: ReLU, bottom: x}\n"
    )
    assert wires(net_of(text)) == {"y": ["data"]}


def test_outputs_of_the_phase_that_lacks_them_are_named():
    text = INPUTS + (
        "blocks:\n  b:\n    outputs: [r]\n    layers:\n      - {name: r, type: ReLU, include: test}\n"
        "layers:\n  - {block: b, name: x}\n  - {name: y, type: ReLU}\n"
    )
    assert found(text) == ["4 E304 `r` does not exist in phase train"]


CODES = [
    ("name: a, type: ReLU, bottom: dta", "E301 unknown blob `dta`", "did you mean `data`?"),
    ("name: a, type: ReLU, bottom: b\nname: b, type: ReLU, top: c", "E301 `b` is a layer, its top is called `c`",
     "did you mean `c`?"),
    ("name: a, type: ReLU, bottom: a", "E303 `a` reads its own top `a`", "read the blob before it"),
    ("name: a, type: ReLU, bottom: [data, data]", "E305 `a` (ReLU) takes 1 bottom, got 2", None),
    ("name: a, type: Eltwise", "E305 `a` (Eltwise) takes at least 2 bottoms, got 1 (from chaining)",
     "bottom: [data, ..]"),
    ("name: a, type: SoftmaxWithLoss, bottom: data", "E305 `a` (SoftmaxWithLoss) takes 2 bottoms, got 1",
     "bottom: [data, label]"),
    ("name: a, type: SoftmaxWithLoss, bottom: [data, label], top: [x, y, z]",
     "E306 `a` (SoftmaxWithLoss) makes 1 to 2 tops, got 3 names", None),
    ("name: a, type: ReLU, bottom: [data], top: label", "E310 `label` is already an input of the net",
     "give the layer another name, or work in place (top equal to bottom)"),
    ("name: a, type: ReLU, bottom: zzzz", "E301 unknown blob `zzzz`", "there are data, label, a"),
    ("name: a b, type: ReLU", "E221 `a b` cannot be a name", "letters, digits, `_`, `-`, and `/` between them: `a_b`"),
    ("name: a, type: ReLU, bottom: 'data, label'", "E221 `a`: bottom is the name of a blob, got the text `data, label`",
     "bottom: [data, label]"),
]  # fmt: skip


@pytest.mark.parametrize(("entries", "message", "hint"), CODES)
def test_what_is_wrong_with_a_wire(entries, message, hint):
    text = INPUTS + "layers:\n" + "".join(f"  - {{{line}}}\n" for line in entries.split("\n"))
    (item,) = checked(text).diagnostics
    assert (f"{item.code} {item.message}", item.hint) == (message, hint)


def test_a_mistake_of_both_phases_is_reported_once():
    text = INPUTS + "layers:\n  - {name: a, type: ReLU, bottom: x}\n  - {name: b, type: ReLU, bottom: y}\n"
    assert found(text) == ["3 E301 unknown blob `x`", "4 E301 unknown blob `y`"]


def test_a_data_top_of_the_other_phase():
    text = (
        "data: {source: mnist, train: {batch_size: 2, tops: [data, label]}, test: {batch_size: 2, tops: [data, l]}}\n"
        "layers:\n  - {name: fc, type: InnerProduct, num_output: 10}\n"
        "  - {name: loss, type: SoftmaxWithLoss, bottom: [fc, label]}\n"
    )
    assert found(text) == ["4 E304 `label` does not exist in phase test: only the data of train has it"]


def test_a_data_top_that_nothing_reads_is_no_warning():
    text = "data: {source: mnist, train: {batch_size: 2}}\nlayers:\n  - {name: r, type: ReLU}\n"
    assert found(text) == []


def test_an_unknown_output_of_a_block():
    text = (
        INPUTS
        + "blocks:\n  b:\n    outputs: [relu]\n    layers: [{name: relu1, type: ReLU}]\nlayers:\n"
        + ("  - {block: b, name: x}\n")
    )
    (item,) = checked(text).diagnostics
    assert (item.message, item.mark.line, item.hint) == ("unknown output `relu`", 4, "did you mean `relu1`?")


def test_inner_names_need_their_turn():
    text = (
        INPUTS
        + "blocks: {b: {layers: [{name: r, type: ReLU}]}}\nlayers:\n  - {block: b, name: x, repeat: 2}\n"
        + ("  - {name: y, type: ReLU, bottom: x/r}\n")
    )
    (item,) = checked(text).diagnostics
    assert (item.code, item.hint) == ("E301", "an inner blob of a repeat needs its turn: `x/1/r`")


def test_a_thousand_unknown_blobs_do_not_take_long():
    text = INPUTS + "layers:\n" + "".join(f"  - {{name: a{n}, type: ReLU, bottom: b{n}}}\n" for n in range(3000))
    assert len(checked(text).diagnostics) == 1000
