from __future__ import annotations

import pytest
from net_support import INPUTS, checked, found, net_of, spec_of

HEAD = INPUTS + "defaults:\n  %s\nlayers:\n  - {name: x, type: %s}\n"


def layer(defaults: str, entry: str):
    return net_of(HEAD % (defaults, entry)).by_name["x"].layer


def test_a_layer_lies_over_the_defaults_of_its_type():
    got = layer("Convolution: {kernel_size: 5, bias_term: false, num_output: 3}", "Convolution, bias_term: true")
    assert (got.kernel_size, got.bias_term, got.num_output) == ((5,), True, 3)


@pytest.mark.parametrize(
    ("defaults", "entry", "expected"),
    [
        ("Convolution: {kernel_size: 5, pad: 1}", "Convolution, num_output: 3, kernel_h: 3, kernel_w: 1", (3, 1)),
        ("Convolution: {kernel_h: 3, kernel_w: 1}", "Convolution, num_output: 3, kernel_size: 5", (5, 5)),
    ],
)
def test_a_field_takes_the_place_of_the_same_said_otherwise(defaults, entry, expected):
    assert layer(defaults, entry).kernel == expected


def test_global_pooling_takes_the_place_of_a_default_kernel():
    assert layer("Pooling: {kernel_size: 2, stride: 2}", "Pooling, global_pooling: true").kernel_size == ()


def test_an_alias_in_the_layer_hides_the_default():
    assert layer("Pooling: {round: floor, kernel_size: 2}", "Pooling, round_mode: CEIL").round == "ceil"


def test_defaults_may_give_factors_and_params():
    node = net_of(
        HEAD % ("InnerProduct: {lr_mult: 0, params: [{decay_mult: 0}]}", "InnerProduct, num_output: 2")
    ).nodes[0]
    assert (node.lr_mult, node.params[0].decay_mult) == (0, 0)


@pytest.mark.parametrize(
    ("defaults", "line", "message"),
    [
        ("Convolutoin: {bias_term: false}", 3, "E506 unknown layer type `Convolutoin`"),
        ("Convolution: {bias: false}", 3, "E501 unknown key `bias` of Convolution"),
        ("Convolution: {bottom: data}", 3, "E501 `bottom` belongs to one layer, not to the defaults of Convolution"),
        ("Convolution: 3", 3, "E212 the defaults of Convolution are a mapping of fields, got the number 3"),
    ],
)
def test_what_is_wrong_with_defaults(defaults, line, message):
    assert found(HEAD % (defaults, "ReLU")) == [f"{line} {message}"]


def test_a_wrong_default_is_reported_once_for_all_layers():
    text = HEAD % ("InnerProduct: {num_output: many}", "InnerProduct") + "  - {name: y, type: InnerProduct}\n"
    (item,) = checked(text).diagnostics
    assert (item.code, item.mark.line) == ("E503", 3)


def test_layers_of_a_turn_do_not_share_an_instance():
    text = INPUTS + "blocks: {b: {layers: [{name: r, type: ReLU}]}}\nlayers:\n  - {block: b, name: x, repeat: 2}\n"
    first, second = net_of(text).nodes
    assert first.layer is not second.layer
    assert (first.layer.name, second.layer.name) == ("x/1/r", "x/2/r")


def test_a_layer_that_is_off_is_not_checked_further():
    assert found(INPUTS + "layers:\n  - {name: r, type: ReLU}\n  - {name: c, type: Convolution, if: false}\n") == []


def test_fields_of_a_layer_may_be_expressions_of_any_type():
    text = (
        "vars: {k: [3, 5], on: false}\n"
        + INPUTS
        + ("layers:\n  - {name: x, type: Convolution, num_output: 2, kernel_size: $k, bias_term: $on}\n")
    )
    got = spec_of(text).net("train").by_name["x"].layer
    assert (got.kernel_size, got.bias_term) == ((3, 5), False)


def test_a_ratio_where_a_whole_number_is_due_tells_how_it_came_about():
    text = (
        "vars: {depth: 21}\n"
        + INPUTS
        + ('layers:\n  - {name: x, type: InnerProduct, num_output: "${(depth - 2) / 6}"}\n')
    )
    (item,) = checked(text).diagnostics
    assert item.code == "E206"
    assert "(depth - 2) / 6 = 3.167 (depth = 21)" in item.message


def test_variables_in_a_formula_are_values_and_not_text():
    text = (
        'vars: {a: -3, f: "x + 1"}\n'
        + INPUTS
        + (
            'layers:\n  - {name: p, type: Expression, bottom: {x: data}, expr: "$a ** 2 * x + ${a - 1}"}\n'
            "  - {name: q, type: Expression, bottom: {x: data}, expr: $f}\n"
        )
    )
    net = net_of(text)
    assert [n.layer.expr for n in net.nodes] == ["(-3) ** 2 * x + (-4)", "(x + 1)"]


def test_only_a_formula_names_its_bottoms():
    text = INPUTS + "layers:\n  - {name: s, type: Eltwise, bottom: {a: data, b: data}}\n"
    (item,) = checked(text).diagnostics
    assert (item.message, item.hint) == ("`s`: only an Expression takes a mapping as bottom", "bottom: [data, data]")


def test_defaults_of_a_type_that_no_layer_has_are_checked_too():
    text = INPUTS + "defaults: {LRN: {local_size: x}, Dropout: {ratio: 3}, Pooling: {pool: AVE}}\nlayers:\n"
    assert sorted(d.code for d in checked(text + "  - {name: x, type: ReLU}\n").errors) == ["E501", "E503"]


def test_a_key_of_the_defaults_that_is_like_none_is_told_which_there_are():
    (error,) = checked(HEAD % ("ReLU: {xyz: 3}", "ReLU")).errors
    assert error.hint == "the fields of ReLU are negative_slope"
