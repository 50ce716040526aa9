from __future__ import annotations

import pytest
from net_support import INPUTS, checked, found, layers, net_of, spec_of

from netspec.spec.diagnostics import SpecError

FC = "layers:\n  - {name: fc, type: InnerProduct, num_output: $a}\n"


def width(text: str, **arguments: object) -> int:
    return net_of(text, **arguments).shapes["fc"][1]


def test_variables_use_each_other_in_any_order():
    assert width('vars: {a: "${b + 1}", c: 4, b: "${c * 2}"}\n' + INPUTS + FC) == 9


def test_a_variable_keeps_the_type_of_its_value():
    spec = spec_of('vars: {a: 3, half: "${a / 2}", list: [1, $a], name: "n$a", yes: "${a > 2}"}\n'
                   + INPUTS + FC + '  - {name: "$name", type: Dropout, dropout_ratio: "${half / 3}", if: $yes}\n'
                   '  - {name: r, type: Reshape, shape: $list}\n'.replace("$list", "[0, -1]")
                   + '  - {name: "x${len(list)}", type: ReLU}\n')  # fmt: skip
    names = [node.name for node in spec.net("train").nodes]
    assert names == ["fc", "n3", "r", "x2"]


def test_a_whole_expression_may_be_a_mapping():
    net = net_of("vars: {filler: {type: uniform, min: -1, max: 1}, a: 2}\n" + INPUTS
                 + "layers:\n  - {name: fc, type: InnerProduct, num_output: $a, weight_filler: $filler}\n")  # fmt: skip
    assert net.by_name["fc"].layer.weight_filler.min == -1


def test_variables_may_be_used_in_every_section():
    text = (
        "name: net-$a\nvars: {a: 8, lr: 0.5}\ninputs: {data: [$a, 4, 4], label: []}\n"
        "defaults: {Convolution: {num_output: $a}}\n"
        "layers:\n  - {name: conv, type: Convolution, kernel_size: 3}\n"
        "solver: {type: SGD, base_lr: $lr, max_iter: 1}\n"
    )
    spec = spec_of(text)
    net = spec.net("train")
    assert (spec.name, net.inputs["data"].shape, net.shapes["conv"], spec.solver.base_lr) == (
        "net-8", (1, 8, 4, 4), (1, 8, 2, 2), 0.5,
    )  # fmt: skip


def test_a_variable_that_a_source_declares_can_be_read():
    text = "data: {source: cifar10, train: {batch_size: 2}, test: {batch_size: 2}}\n" + FC.replace("$a", "$classes")
    assert width(text) == 10


def test_a_written_variable_wins_over_a_declared_one():
    text = "vars: {classes: 7}\ndata: {source: cifar10, train: {batch_size: 2}}\n" + FC.replace("$a", "$classes")
    assert width(text) == 7


def test_data_may_use_a_variable_and_a_variable_what_data_declares():
    text = 'vars: {a: "${classes + n}", n: 5}\ndata: {source: cifar10, train: {batch_size: $n}}\n' + FC
    net = net_of(text)
    assert (net.batch, net.shapes["fc"]) == (5, (5, 15))


def test_data_that_needs_what_it_declares_is_a_mistake_and_no_endless_loop():
    text = "vars: {a: $classes}\ndata: {source: cifar10, train: {batch_size: $a}}\n" + FC
    assert [d.severity for d in checked(text).diagnostics] == ["error"]


def test_ten_thousand_variables_in_a_chain_do_not_recurse():
    chain = "".join(f"  v{n}: $v{n + 1}\n" for n in range(10_000))
    assert width("vars:\n" + chain + "  v10000: 6\n  a: $v0\n" + INPUTS + FC) == 6


def test_a_circle_is_reported_once_with_its_path():
    assert found('vars: {a: "${b}", b: "${c}", c: "${a}", d: $a}\n' + INPUTS + FC) == [
        "1 E213 the variables a -> b -> c -> a need each other",
        "1 W101 nothing uses the variable `d`",
    ]


def test_a_variable_that_needs_itself():
    assert found('vars: {a: "${a + 1}"}\n' + INPUTS + FC) == ["1 E213 the variable `a` needs itself"]


def test_a_mistake_in_a_variable_is_reported_once_however_often_it_is_used():
    text = 'vars: {a: "${b / 0}", b: 1}\n' + INPUTS + FC + "  - {name: fc2, type: InnerProduct, num_output: $a}\n"
    assert found(text) == ["1 E205 division by zero"]


def test_an_unused_variable_is_a_warning_but_not_one_that_a_block_or_another_variable_uses():
    text = (
        "vars: {a: 1, b: 2, c: 3, d: $c}\n" + INPUTS + "blocks: {x: {layers: [{name: y, type: ReLU, if: a == 1}]}}\n"
        "layers:\n  - {block: x, name: z}\n  - {name: w, type: ReLU, if: b > d}\n"
    )  # fmt: skip
    assert found(text) == []
    assert found(text.replace("b > d", "b > 1")) == ["1 W101 nothing uses the variable `d`"]


def test_a_parameter_hides_a_variable_of_the_same_name():
    text = (
        "vars: {n: 4}\n" + INPUTS + "blocks:\n  b:\n    params: {n: 2}\n    layers:\n"
        "      - {name: fc, type: InnerProduct, num_output: $n}\n"
        "layers:\n  - {block: b, name: x}\n  - {name: y, type: InnerProduct, num_output: $n}\n"
    )
    net = net_of(text)
    assert (net.shapes["x/fc"], net.shapes["y"]) == ((1, 2), (1, 4))


@pytest.mark.parametrize("name", ["in-size", "1st", "and", "true", "a.b", ""])
def test_names_that_no_expression_could_read_are_refused(name):
    assert found(f'vars: {{"{name}": 1}}\n' + INPUTS + "layers:\n  - {name: r, type: ReLU}\n") == [
        f"1 E214 `{name}` cannot be a variable"
    ]


def test_a_text_that_doubles_with_every_variable_is_refused():
    doubling = "".join(f'  v{n}: "$v{n - 1}$v{n - 1}"\n' for n in range(1, 60))
    text = "vars:\n  v0: aaaaaaaaaa\n" + doubling + INPUTS + 'layers:\n  - {name: "$v59", type: ReLU}\n'
    assert [d.code for d in checked(text).diagnostics] == ["E218"]


def test_a_dollar_is_written_twice():
    assert spec_of("name: 5$$\n" + INPUTS + "layers:\n  - {name: r, type: ReLU}\n").name == "5$"


def test_set_may_hold_an_expression():
    assert width("vars: {a: 3, depth: 20}\n" + INPUTS + FC, overrides=["vars.a=${depth // 6}"]) == 3


def test_set_is_applied_before_variables_are_derived():
    text = 'vars: {depth: 20, a: "${depth // 2}"}\n' + INPUTS + FC
    assert width(text, overrides={"vars.depth": 56}) == 28


def test_layers_see_the_variables_of_each():
    net = layers("name: fc, type: InnerProduct, each: {num_output: [4, 5]}, bias_term: '${num_output == 5}'")
    assert [node.layer.bias_term for node in net.nodes] == [False, True]


def test_a_spec_with_a_bad_variable_raises_with_all_that_is_wrong():
    with pytest.raises(SpecError) as caught:
        spec_of("vars: {a: $b}\n" + INPUTS + FC + "  - {name: r, type: Relu}\n")
    assert [d.code for d in caught.value.diagnostics.items] == ["E202", "E506"]
