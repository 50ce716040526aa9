from __future__ import annotations

import time

import pytest
from net_support import INPUTS, checked, found, layers, net_of, wires

from netspec.checking import check

UNIT = """
blocks:
  unit:
    params: {width: , stride: 1, act: true}
    layers:
      - {name: conv, type: Convolution, num_output: $width, stride: $stride, kernel_size: 3, pad: 1}
      - {name: relu, type: ReLU, if: act}
"""
HEAD = """
  head:
    inputs: [x, label]
    outputs: []
    layers:
      - {name: fc, type: InnerProduct, num_output: 10}
      - {name: loss, type: SoftmaxWithLoss, bottom: [fc, label]}
"""


def net(entries: str, blocks: str = UNIT, phase: str = "train", head: str = INPUTS):
    lines = "".join(f"  - {{{line.strip()}}}\n" for line in entries.strip().split("\n"))
    return net_of(head + blocks + "layers:\n" + lines, phase)


def test_a_block_instance_is_a_layer_to_the_outside():
    got = net("block: unit, name: a, width: 4\nname: next, type: ReLU\nname: inner, type: ReLU, bottom: a/conv")
    assert wires(got) == {"a/conv": ["data"], "a/relu": ["a/conv"], "next": ["a/relu"], "inner": ["a/conv"]}


def test_each_turn_of_a_repeat_starts_from_the_one_before():
    got = net("block: unit, name: a, width: 4, repeat: 3\nname: last, type: ReLU, bottom: a\n"
              "name: second, type: ReLU, bottom: a/2")  # fmt: skip
    assert [wires(got)[f"a/{k}/conv"] for k in (1, 2, 3)] == [["data"], ["a/1/relu"], ["a/2/relu"]]
    assert (wires(got)["last"], wires(got)["second"]) == (["a/3/relu"], ["a/2/relu"])


def test_i_counts_from_one_as_in_the_name():
    got = net('block: unit, name: a, width: "${4 * i}", stride: "${2 if i == 1 else 1}", repeat: 2')
    assert (got.shapes["a/1/conv"], got.shapes["a/2/conv"]) == ((1, 4, 16, 16), (1, 8, 16, 16))


def test_other_inputs_of_a_repeat_stay():
    blocks = "blocks: {add: {inputs: [a, b], layers: [{name: sum, type: Eltwise, bottom: [a, b]}]}}\n"
    got = net("name: x, type: ReLU\nblock: add, name: s, bottom: [data, x], repeat: 2", blocks)
    assert wires(got) == {"x": ["data"], "s/1/sum": ["data", "x"], "s/2/sum": ["s/1/sum", "x"]}


def test_a_layer_repeats_too_and_its_name_is_the_last_turn():
    got = layers("name: c, type: Convolution, num_output: 3, kernel_size: 3, repeat: 2\n"
                 "name: a, type: ReLU\nname: b, type: ReLU, bottom: c")  # fmt: skip
    assert wires(got) == {"c/1": ["data"], "c/2": ["c/1"], "a": ["c/2"], "b": ["c/2"]}


def test_a_repeat_with_a_bottom_of_its_own_takes_it_once():
    got = layers("name: x, type: ReLU\nname: c, type: Sigmoid, bottom: data, repeat: 2")
    assert wires(got) == {"x": ["data"], "c/1": ["data"], "c/2": ["c/1"]}


def test_repeat_zero_is_a_wire():
    got = net("name: x, type: ReLU\nblock: unit, name: a, width: 4, repeat: 0\nname: y, type: ReLU\n"
              "name: z, type: ReLU, bottom: a")  # fmt: skip
    assert wires(got) == {"x": ["data"], "y": ["x"], "z": ["x"]}


def test_each_walks_lists_together_and_sets_the_keys():
    got = net('block: unit, name: "res${i + 1}", each: {width: [4, 8], stride: [1, 2]}')
    assert {k: v for k, v in got.shapes.items() if k.endswith("conv")} == {
        "res2/conv": (1, 4, 32, 32), "res3/conv": (1, 8, 16, 16),
    }  # fmt: skip


def test_each_sets_fields_of_layers_bottoms_and_names():
    got = layers("name: x, type: ReLU\ntype: Sigmoid, each: {name: [p, q], bottom: [data, x]}\n"
                 "name: s, type: TanH, each: {bottom: [p, q]}\nname: t, type: ReLU, bottom: s")  # fmt: skip
    assert wires(got) == {"x": ["data"], "p": ["data"], "q": ["x"], "s/1": ["p"], "s/2": ["q"], "t": ["s/2"]}


def test_keys_of_each_are_variables_of_the_other_expressions():
    got = net('block: unit, name: "w${width}", each: {width: [4, 8]}, stride: "${width // 4}"')
    assert got.shapes["w8/conv"] == (1, 8, 16, 16)


def test_the_lists_of_each_are_evaluated_outside():
    got = net_of("vars: {depth: 2, units: {1: [3, 3], 2: [4, 8]}}\n" + INPUTS + UNIT
                 + 'layers:\n  - {block: unit, name: a, each: {width: "${units[depth]}"}}\n')  # fmt: skip
    assert got.shapes["a/2/relu"] == (1, 8, 32, 32)


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("each: {width: [1, 2]}, repeat: 2", "each and repeat on one entry"),
        ("each: {width: []}", "each walks lists: `width` is an empty list"),
        ("each: {width: 3}", "each walks lists: `width` is the number 3"),
        ("each: [1, 2]", "each is a mapping of keys to lists, got a list of 2"),
        ("each: {stride: [1, 2]}, stride: 3, width: 3", "`stride` is set by the entry itself"),
        ("each: {block: [unit, unit]}, width: 3", "`block` is set by the entry itself"),
        ("each: {repeat: [2]}, width: 3", "each cannot set `repeat`"),
        ("each: {}, width: 3", "each is a mapping of keys to lists, got an empty one"),
    ],
)
def test_what_each_cannot_do(entry, message):
    assert found(INPUTS + UNIT + "layers:\n  - {block: unit, name: a, " + entry + "}\n") == [f"10 E225 {message}"]


@pytest.mark.parametrize(
    ("condition", "hint"),
    [("$n > 2", "n > 2"), ("${n} > 2", "n > 2"), ("${n + 1} > 2 and $n < 9", "(n + 1) > 2 and n < 9")],
)
def test_a_condition_with_dollars_in_it_is_told_without(condition, hint):
    text = "vars: {n: 3}\n" + INPUTS + 'layers:\n  - {name: a, type: ReLU, if: "%s"}\n'
    (error,) = checked(text % condition).errors
    assert (error.code, error.hint) == ("E219", f"write `if: {hint}`")
    assert checked(text % hint).diagnostics == []


def test_each_may_set_any_field():
    got = layers('name: a, type: ReLU, each: {if: [true, false, "i == 3"]}\n'
                 "name: b, each: {type: [ReLU, TanH]}\n"
                 "each: {type: [Sigmoid, ELU], name: [x, y]}")  # fmt: skip
    assert [(n.name, n.type) for n in got.nodes] == [
        ("a/1", "ReLU"), ("a/3", "ReLU"), ("b/1", "ReLU"), ("b/2", "TanH"), ("x", "Sigmoid"), ("y", "ELU"),
    ]  # fmt: skip


def test_an_entry_of_several_types_needs_a_name():
    assert found(INPUTS + "layers:\n  - {each: {type: [ReLU, TanH]}}\n") == [
        "3 E224 an entry of several types needs a name"
    ]


def test_a_layer_in_place_that_is_off_leaves_its_blob_alone():
    got = layers("name: a, type: ReLU\nname: b, type: Sigmoid, bottom: a, top: a, if: false\n"
                 "name: c, type: TanH, bottom: a, top: a, repeat: 0\nname: d, type: ReLU\n"
                 "name: e, type: ReLU, bottom: b\nname: f, type: ELU, bottom: a, top: a")  # fmt: skip
    assert wires(got) == {"a": ["data"], "d": ["a"], "e": ["a"], "f": ["a"]}


def test_turns_may_work_in_place_on_the_blob_of_their_name():
    got = layers("name: a, type: ReLU, repeat: 2, top: a\nname: b, type: ReLU, bottom: a")
    assert wires(got) == {"a/1": ["data"], "a/2": ["a"], "b": ["a#2"]}


def test_no_turns_of_an_entry_with_a_name_for_each_are_a_wire():
    got = layers('name: a, type: ReLU\nname: "b${i}", type: ReLU, bottom: data, repeat: 0\nname: c, type: ReLU')
    assert wires(got) == {"a": ["data"], "c": ["data"]}


@pytest.mark.parametrize(
    ("entry", "column", "hint"),
    [
        ("{name: a, typ: ReLU}", 15, "did you mean `type`?"),
        ("{name:a, type:ReLU}", 6, "write a blank behind the colon: `name: a`"),
        ("{name: a}", 12, None),
    ],
)
def test_an_entry_without_a_type_is_marked_where_one_was_meant(entry, column, hint):
    (error,) = checked(INPUTS + "layers:\n  - " + entry + "\n").errors
    assert (error.code, error.mark.column, error.hint) == ("E215", column, hint)


def test_an_entry_that_is_off_is_a_wire():
    got = layers("name: a, type: ReLU\nname: b, type: Sigmoid, if: 1 > 2\nname: c, type: ReLU\n"
                 "name: d, type: ReLU, bottom: b\nname: e, type: TanH, bottom: data, if: false\n"
                 "name: f, type: ReLU")  # fmt: skip
    assert wires(got) == {"a": ["data"], "c": ["a"], "d": ["a"], "f": ["data"]}


def test_if_is_judged_in_each_turn():
    got = net("block: unit, name: a, width: 4, repeat: 3, if: i != 2\nname: x, type: ReLU, bottom: a/2")
    assert wires(got) == {
        "a/1/conv": ["data"], "a/1/relu": ["a/1/conv"], "a/3/conv": ["a/1/relu"], "a/3/relu": ["a/3/conv"],
        "x": ["a/1/relu"],
    }  # fmt: skip


def test_a_loss_or_a_block_without_outputs_that_is_off_is_gone():
    got = net("name: fc, type: InnerProduct, num_output: 10\nblock: head, name: h, bottom: [fc, label], if: false\n"
              "name: loss, type: SoftmaxWithLoss, bottom: [fc, label], if: false\n"
              "name: r, type: ReLU", UNIT + HEAD)  # fmt: skip
    assert wires(got) == {"fc": ["data"], "r": ["fc"]}


def test_wires_lead_to_wires():
    got = layers("name: skip, type: Convolution, bottom: data, num_output: 3, kernel_size: 1, if: false\n"
                 "name: bn, type: BatchNorm, bottom: skip, if: false\n"
                 "name: sum, type: Eltwise, bottom: [data, bn]")  # fmt: skip
    assert wires(got) == {"sum": ["data", "data"]}


def test_wires_in_a_circle_are_a_mistake():
    text = INPUTS + "layers:\n" + "".join(
        f"  - {{name: {a}, type: ReLU, bottom: {b}, if: false}}\n" for a, b in ("xy", "yz", "zx")
    ) + "  - {name: r, type: ReLU, bottom: x}\n"  # fmt: skip
    assert found(text) == ["6 E303 wires that lead in a circle: x -> y -> z -> x"]


def test_chaining_steps_over_a_block_without_outputs():
    got = net("name: fc, type: InnerProduct, num_output: 10\nblock: head, name: h, bottom: [fc, label]\n"
              "name: r, type: ReLU", UNIT + HEAD)  # fmt: skip
    assert wires(got)["r"] == ["fc"]
    assert wires(got)["h/fc"] == ["fc"]


def test_a_block_may_have_several_outputs_and_name_them_outside():
    blocks = """
blocks:
  two:
    outputs: [b, a]
    layers:
      - {name: a, type: ReLU}
      - {name: b, type: Sigmoid}
"""
    got = net("block: two, name: t, top: [one, other]\nname: x, type: ReLU, bottom: t\n"
              "name: y, type: ReLU, bottom: [other]\nname: z, type: ReLU, bottom: t/a", blocks)  # fmt: skip
    assert {k: wires(got)[k] for k in "xyz"} == {"x": ["t/b"], "y": ["t/a"], "z": ["t/a"]}


def test_blocks_lie_in_blocks_and_factors_multiply():
    blocks = UNIT + "  twice: {layers: [{block: unit, name: u, width: 4, repeat: 2, lr_mult: 0.5}]}\n"
    got = net("block: twice, name: t, lr_mult: 0.5, decay_mult: 2", blocks)
    assert list(wires(got)) == ["t/u/1/conv", "t/u/1/relu", "t/u/2/conv", "t/u/2/relu"]
    node = got.by_name["t/u/2/conv"]
    assert (node.lr_mult, node.decay_mult) == (0.25, 2.0)


def test_loss_weight_on_a_block_multiplies_those_inside():
    text = "name: fc, type: InnerProduct, num_output: 10\nblock: head, name: h, bottom: [fc, label], loss_weight: -0.5"
    assert net(text, UNIT + HEAD).by_name["h/loss"].loss_weights == (-0.5,)


def test_parameters_are_tied_by_global_names_inside_blocks():
    blocks = UNIT.replace("pad: 1}", "pad: 1, params: [{name: w}, {lr_mult: 2, decay_mult: 0}]}")
    got = net("block: unit, name: a, width: 3, repeat: 2", blocks)
    assert [p.name for n in got.nodes for p in n.params] == ["w", "", "w", ""]
    assert got.by_name["a/1/conv"].params[1].lr_mult == 2


def test_a_default_may_use_the_parameters_before_it():
    blocks = UNIT.replace("stride: 1", 'stride: "${width // 4}"')
    assert net("block: unit, name: a, width: 8", blocks).shapes["a/conv"] == (1, 8, 16, 16)


def test_the_variables_of_the_caller_stay_outside():
    text = (
        INPUTS
        + UNIT.replace("$width,", '"${i + width}",')
        + ("layers:\n  - {block: unit, name: a, width: 3, repeat: 2}\n")
    )
    assert [line[:7] for line in found(text)] == ["7 E202 "]


def test_layers_without_parameters_may_go_unnamed():
    got = layers("type: ReLU\nname: relu2, type: ReLU\ntype: ReLU\ntype: Sigmoid")
    assert wires(got) == {"relu1": ["data"], "relu2": ["relu1"], "relu3": ["relu2"], "sigmoid1": ["relu3"]}


def test_a_diagnostic_inside_a_block_tells_the_turn_and_its_call_and_comes_once():
    text = (
        INPUTS
        + UNIT
        + "  twice: {layers: [{block: unit, name: u, width: -4, repeat: 2}]}\nlayers:\n"
        + ("  - {block: twice, name: t, repeat: 2}\n")
    )
    (item,) = checked(text).diagnostics
    assert (item.code, item.mark.line, item.layer) == ("E504", 7, "t/1/u/1/conv")
    assert item.notes == ("in t/1/u/1, called at line 9", "in t/1, called at line 11")


def test_what_cannot_be_read_excuses_what_reads_it():
    text = (
        INPUTS
        + UNIT
        + "layers:\n  - {block: unit, name: a, widht: 4}\n"
        + (
            "  - {name: x, type: ReLU, bottom: a/conv}\n  - {name: y, type: ReLU}\n"
            "  - {name: z, type: Relu, bottom: a}\n"
        )
    )
    assert [line.split(" ")[1] for line in found(text)] == ["E228", "E227", "E506"]


@pytest.mark.parametrize(
    "layers_",
    [
        "  - {block: a, name: x, repeat: 1000000000}",
        '  - {block: a, name: x, repeat: "${1000000000}"}',
        "  - {block: b, name: x, repeat: 1000}",
        "  - {block: c, name: x, repeat: 49999}",
    ],
)
def test_a_net_of_too_many_layers_is_refused_in_two_seconds(layers_):
    text = INPUTS + (
        "blocks:\n  a: {layers: [{name: r, type: ReLU}]}\n  b: {layers: [{block: a, name: y, repeat: 1000}]}\n"
        "  c: {layers: [{block: b, name: y, repeat: 0}, {block: d, name: z}]}\n  d: {layers: []}\n"
        f"layers:\n{layers_}\n"
    )
    start = time.perf_counter()
    codes = {d.code for d in checked(text).errors}
    assert codes == {"E217"}
    assert time.perf_counter() - start < 10  # 0.7 s on a free machine; the limit only catches what explodes


def test_blocks_nested_without_end_are_refused():
    deep = "".join(f"  b{n}: {{layers: [{{block: b{n + 1}, name: x}}]}}\n" for n in range(200))
    text = (
        INPUTS + "blocks:\n" + deep + "  b200: {layers: [{name: r, type: ReLU}]}\nlayers:\n  - {block: b0, name: x}\n"
    )
    assert [d.code for d in checked(text).errors] == ["E216"]


def test_a_block_named_by_a_variable_that_contains_itself_is_refused():
    text = (
        INPUTS
        + "vars: {which: a}\nblocks: {a: {layers: [{block: $which, name: x}]}}\nlayers:\n  - {block: a, name: x}\n"
    )
    assert [d.code for d in checked(text).errors] == ["E216"]


def test_a_spec_from_python_is_read_like_a_file():
    result = check({
        "inputs": {"data": (3, 8, 8), "label": []},
        "vars": {"n": 4},
        "layers": [{"name": "fc", "type": "InnerProduct", "num_output": "$n", "weight_filler": {"type": "xavier"}},
                   {"name": "loss", "type": "SoftmaxWithLoss", "bottom": ["fc", "lable"]}],
    })  # fmt: skip
    assert [(d.code, d.mark.file, d.hint) for d in result.diagnostics] == [("E301", "<dict>", "did you mean `label`?")]


def test_only_whole_names_are_shortened_inside_a_block():
    text = (
        INPUTS
        + "blocks: {b: {layers: [{name: s, type: Eltwise, bottom: [zdata, in]}]}}\nlayers:\n"
        + ("  - {name: zdata, type: ReLU}\n  - {block: b, name: a, bottom: data}\n")
    )
    (item,) = checked(text).diagnostics
    assert item.message == "unknown blob `zdata`"
    assert item.hint == "inside a block only its inputs and own layers are visible: add `zdata` to the block's `inputs`"
