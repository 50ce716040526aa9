from __future__ import annotations

import pytest
from net_support import INPUTS, checked, found, net_of, spec_of

from netspec.spec.diagnostics import SpecError
from netspec.spec.load import load_spec
from runtime.errors import UsageError

LAYERS = (
    "layers:\n  - {name: fc, type: InnerProduct, num_output: 10}\n"
    "  - {name: loss, type: SoftmaxWithLoss, bottom: [fc, label]}\n"
)
MNIST = "data: {source: mnist, scale: 0.5, train: {batch_size: 64, scale: 0.25}, test: {batch_size: 100}}\n"


def test_what_a_spec_says_of_itself(tmp_path):
    path = tmp_path / "digits.yaml"
    path.write_text(MNIST + LAYERS)
    spec = load_spec(path)
    assert (spec.path, spec.name, spec.math, spec.memory, spec.solver, spec.phases) == (
        path, "digits", "fast", "normal", None, ("train", "test"),
    )  # fmt: skip


def test_keys_beside_the_phases_hold_for_both_and_the_phase_wins():
    spec = spec_of(MNIST + LAYERS)
    assert [(p, s.scale, s.batch_size) for p, s in spec.data.items()] == [("train", 0.25, 64), ("test", 0.5, 100)]


def test_data_without_phases_serves_both():
    assert spec_of("data: {source: mnist, batch_size: 8}\n" + LAYERS).net("test").batch == 8


def test_the_batch_is_the_phases_or_the_callers_or_one():
    spec = spec_of(MNIST + LAYERS)
    assert [spec.net("train").batch, spec.net("test").batch, spec.net("test", batch=7).shapes["fc"]] == [
        64,
        100,
        (7, 10),
    ]
    assert net_of(INPUTS + LAYERS).batch == 1


def test_a_phase_without_data_is_an_error_that_says_so():
    spec = spec_of("data: {source: mnist, test: {batch_size: 10}}\n" + LAYERS)
    assert spec.phases == ("test",)
    with pytest.raises(SpecError) as caught:
        spec.net("train")
    assert [(d.code, d.mark.line) for d in caught.value.diagnostics.items] == [("E601", 1)]
    named = spec_of("name: a\ndata: {source: mnist, test: {batch_size: 10}}\n" + LAYERS)
    with pytest.raises(SpecError) as caught:
        named.net("train")
    assert [(d.code, d.mark.line) for d in caught.value.diagnostics.items] == [("E601", 2)]


def test_a_phase_that_is_none_is_a_wrong_call():
    with pytest.raises(UsageError, match="no phase 'val'"):
        spec_of(INPUTS + LAYERS).net("val")


def test_inputs_give_the_shape_of_one_item():
    net = net_of("inputs: {data: [3, 8, 8], label: [], scalar: {shape: [2], batch: false}}\n" + LAYERS)
    assert {name: (i.shape, i.kind) for name, i in net.inputs.items()} == {
        "data": ((1, 3, 8, 8), "float"), "label": ((1,), "label"), "scalar": ((2,), "float"),
    }  # fmt: skip


def test_an_input_is_a_label_where_it_is_read_as_one():
    text = "inputs: {data: [3, 8, 8], label: []}\nlayers:\n  - {name: fc, type: InnerProduct, num_output: 1}\n"
    loss = "  - {name: l, type: EuclideanLoss, bottom: [fc, y]}\n"
    float_net = net_of(text.replace("label: []", "y: [1]") + loss)
    assert float_net.inputs["y"].kind == "float"


def test_a_label_of_the_data_that_nothing_reads_stays_a_label():
    net = net_of(MNIST + "layers:\n  - {name: r, type: ReLU}\n")
    assert (net.inputs["label"].kind, net.inputs["label"].from_data) == ("label", True)


@pytest.mark.parametrize(
    ("section", "code"),
    [
        ("inputs: {data: 3}", "E610"),
        ("inputs: {data: [3, 0]}", "E610"),
        ("inputs: {data: [3, x]}", "E610"),
        ("inputs: {data: [10000000000, 10000000000]}", "E610"),
        ("inputs: {da ta: [3]}", "E221"),
        ("inputs: {data: {shpe: [3]}}", "E501"),
        ("inputs: {data: {shape: [3], batch: 2}}", "E610"),
        ("inputs: {data: {shape: [3], batch: -1}}", "E610"),
        ("inputs: {data: {shape: [3], batch: [1]}}", "E610"),
        ("inputs: [data]", "E212"),
        ("data: mnist", "E212"),
        ("data: {source: mnist, train: 64}", "E212"),
        ("data: {source: mnist, train: [{batch_size: 3}, 4]}", "E212"),
        ("data: {source: mnist, train: {batch_size: 3}, test_seen: {batch_size: 3}}", "E601"),
        ("data: {sorce: mnist, train: {batch_size: 3}}", "E502"),
    ],
)
def test_what_is_wrong_with_data_and_inputs_is_said_alone(section, code):
    assert {d.code for d in checked(section + "\n" + LAYERS).errors} - {"E501"} == {code} - {"E501"}
    assert code in {d.code for d in checked(section + "\n" + LAYERS).errors}


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("math: quick", "E505 math is fast, exact, tf32 or bf16, got the text `quick`"),
        ("memory: [small]", "E505 memory is normal or small, got a list of 1"),
        ("vars: 3", "E212 `vars` is a mapping, got the number 3"),
        ("solver: SGD", "E212 `solver` is a mapping, got the text `SGD`"),
        ("sample: {input: data}", "E502 `sample` has no `output`"),
        ("change: {}", "E243 `change` edits the layers of a base, and this spec extends none"),
        ("remove: [a]", "E243 `remove` edits the layers of a base, and this spec extends none"),
        ("solvers: {}", "E210 unknown key `solvers` at the top of a spec"),
    ],
)
def test_the_top_of_a_spec_is_checked(line, message):
    assert found(line + "\n" + INPUTS + LAYERS) == ["1 " + message]


def test_all_problems_of_a_file_come_in_one_run():
    text = (
        "math: quick\nvars: {a: $b}\n" + INPUTS + "defaults: {Pool: {}}\nlayers:\n"
        "  - {name: c, type: Convolution, num_output: 0, kernel_size: 3}\n  - {name: r, type: ReLU, bottom: x}\n"
        "  - {name: i, type: InnerProduct, num_output: 3, bottom: data}\n"
        "  - {name: s, type: Eltwise, bottom: [data, i]}\nsolver: {type: SGD, base_lr: fast}\n"
    )
    codes = [d.code for d in checked(text).errors]
    assert codes == ["E505", "E202", "E506", "E504", "E301", "E415", "E503"]


def test_a_spec_that_cannot_be_wired_raises_with_the_mistakes_of_both_phases():
    text = INPUTS + (
        "layers:\n  - {name: a, type: ReLU, bottom: x, include: train}\n"
        "  - {name: b, type: ReLU, bottom: y, include: test}\n"
    )
    with pytest.raises(SpecError) as caught:
        spec_of(text).net("train")
    assert [d.mark.line for d in caught.value.diagnostics.items] == [3, 4]


def test_warnings_do_not_stop_a_spec_and_are_kept():
    spec = spec_of("vars: {n: 3}\n" + INPUTS + LAYERS)
    spec.net("train")
    assert [d.code for d in spec.diagnostics.items] == ["W101"]


def test_a_loaded_spec_passes_through_and_can_be_overridden(tmp_path):
    path = tmp_path / "n.yaml"
    path.write_text(INPUTS + LAYERS + "solver: {type: SGD, base_lr: 1, max_iter: 1}\n")
    spec = load_spec(path, overrides=["layers.fc.num_output=4"])
    assert load_spec(spec) is spec
    again = spec.override({"solver.base_lr": 2})
    assert (again.net("train").shapes["fc"], again.solver.base_lr) == ((1, 4), 2.0)
    with pytest.raises(UsageError, match="load its file again"):
        load_spec(spec, overrides=["math=exact"])


def test_a_missing_file_is_a_wrong_call(tmp_path):
    with pytest.raises(UsageError, match="no such file"):
        load_spec(tmp_path / "none.yaml")


def test_stages_come_with_the_spec_or_the_net():
    text = INPUTS + "layers:\n  - {name: a, type: ReLU}\n  - {name: b, type: ReLU, include: {stage: s}}\n"
    spec = spec_of(text, stages=["s"])
    assert "b" in spec.net("train").by_name
    assert "b" in spec_of(text).net("train", stages=["s"]).by_name
    assert "b" not in spec_of(text).net("train").by_name


def test_variables_may_stand_at_the_top():
    spec = spec_of("vars: {m: exact, s: small}\nname: net-${m}\nmath: $m\nmemory: $s\n" + INPUTS + LAYERS)
    assert (spec.name, spec.math, spec.memory) == ("net-exact", "exact", "small")
