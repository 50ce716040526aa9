from __future__ import annotations

import numpy as np
import pytest
from net_support import INPUTS, checked, spec_of

from netspec.spec.render import render
from runtime.errors import UsageError

TEXT = (
    "vars: {n: 4}\n"
    + INPUTS
    + """blocks:
  b: {params: {k: 3}, layers: [{name: c, type: Convolution, num_output: $n, kernel_size: $k}]}
layers:
  - {block: b, name: x}
  - {name: drop, type: Dropout, include: train}
  - {name: drop, type: Dropout, include: test}
  - {name: fc, type: InnerProduct, num_output: 10}
solver: {type: SGD, base_lr: 0.1, max_iter: 10}
"""
)


def test_a_mapping_and_a_list_mean_the_same():
    for overrides in ({"layers.fc.num_output": 3}, ["layers.fc.num_output=3"], {"layers.fc.num_output": "3"}):
        assert spec_of(TEXT, overrides=overrides).net("train").shapes["fc"] == (1, 3)


def test_values_are_read_as_yaml_and_may_come_from_numpy():
    overrides = {"solver.base_lr": np.float32(0.5), "solver.max_iter": np.int64(7), "solver.lr_policy": "multistep",
                 "solver.gamma": 0.1, "solver.stepvalue": (2, 4)}  # fmt: skip
    solver = spec_of(TEXT, overrides=overrides).solver
    assert (solver.base_lr, solver.max_iter, solver.stepvalue) == (0.5, 7, (2, 4))


@pytest.mark.parametrize(
    ("override", "check"),
    [
        ("vars.n=8", lambda s: s.net("train").shapes["x/c"][1] == 8),
        ("blocks.b.layers.c.num_output=9", lambda s: s.net("train").shapes["x/c"][1] == 9),
        ("blocks.b.params.k=5", lambda s: s.net("train").shapes["x/c"][2] == 28),
        ("layers.x.k=1", lambda s: s.net("train").shapes["x/c"][2] == 32),
        ("inputs.data=[1, 8, 8]", lambda s: s.net("train").inputs["data"].shape == (1, 1, 8, 8)),
        ("defaults.InnerProduct.bias_term=false", lambda s: not s.net("train").by_name["fc"].layer.bias_term),
        ("layers.drop.dropout_ratio=0.2",
         lambda s: [s.net(p).by_name["drop"].layer.dropout_ratio for p in ("train", "test")] == [0.2, 0.2]),
        ("math=exact", lambda s: s.math == "exact"),
        ("name=other", lambda s: s.name == "other"),
        ("layers.fc.weight_filler={type: gaussian, std: 0.5}",
         lambda s: s.net("train").by_name["fc"].layer.weight_filler.std == 0.5),
    ],
)  # fmt: skip
def test_an_override_reaches_every_part(override, check):
    assert check(spec_of(TEXT, overrides=[override]))


@pytest.mark.parametrize(
    ("override", "column", "code", "message", "hint"),
    [
        ("layers.fc2.num_output=3", 8, "E232", "no entry of `layers` is called `fc2`", "did you mean `fc`?"),
        ("layers.x/c.num_output=3", 8, "E232", "no entry of `layers` is called `x/c`",
         "`x` is a block instance: set its arguments, or blocks.BLOCK.layers.NAME"),
        ("layers.fc=3", 8, "E232", "`fc` is a whole entry; set its fields one by one", "--set ..fc.num_output=3"),
        ("layer.fc.num_output=3", 1, "E232", "a spec has no `layer`", "did you mean `layers`?"),
        ("vars.m=3", 6, "E232", "there is no variable `m`", "the variables are n"),
        ("vars.n=0", 8, "E504", "`num_output` must be at least 1, got 0 (`$n`)", None),
        ("layers.fc.num_outputs=3", 11, "E501", "unknown key `num_outputs` in InnerProduct",
         "did you mean `num_output`?"),
        ("layers.fc.num_output=many", 22, "E503", "`num_output` is a whole number, got the text `many`", None),
        ("solver.base_lr.x=3", 16, "E232", "`base_lr` is the number 0.1, it has no `x`", None),
        ("layers.fc.num_output={", 23, "E104", None, None),
    ],
)  # fmt: skip
def test_a_problem_of_an_override_is_marked_in_it(override, column, code, message, hint):
    result = checked(TEXT, overrides=["vars.n=4", override])
    item = result.errors[0]
    if item.code != "E504":  # a value out of range is marked where it is used
        assert (item.mark.file, item.mark.line, item.mark.column) == ("--set", 2, column)
        assert override in render([item], result.sources)
    assert item.code == code
    assert message is None or item.message == message
    assert hint is None or item.hint == hint


@pytest.mark.parametrize("item", ["vars.n", "=3", "  =3"])
def test_what_is_no_key_and_value_is_a_wrong_call(item):
    with pytest.raises(UsageError, match="expected KEY=VALUE"):
        spec_of(TEXT, overrides=[item])


def test_an_object_that_no_spec_can_hold_is_a_wrong_call():
    with pytest.raises(UsageError, match="cannot hold"):
        spec_of(TEXT, overrides={"vars.n": object()})


def test_a_loaded_spec_can_be_overridden_again():
    spec = spec_of(TEXT, overrides={"solver.max_iter": 3})
    assert spec.solver.max_iter == 3


def test_later_overrides_of_the_same_key_win():
    assert spec_of(TEXT, overrides=["vars.n=5", "vars.n=6"]).net("train").shapes["x/c"][1] == 6


def test_an_empty_value_takes_a_key_away():
    changed = ["solver.type=Nesterov", "solver.base_lr=0.2", "solver.max_iter="]
    assert spec_of(TEXT, overrides=changed).solver.max_iter == 0
    other = TEXT.replace("type: SGD,", "type: SGD, momentum: 0.9,")
    for empty in ("", "null", "~"):
        solver = spec_of(other, overrides=["solver.type=SignSGD", f"solver.momentum={empty}"]).solver
        assert solver.type_name == "SignSGD"
    assert spec_of(other, overrides={"solver.momentum": None}).solver.momentum == 0
    assert spec_of(TEXT, overrides=["solver="]).solver is None


@pytest.mark.parametrize(
    ("override", "code", "hint"),
    [
        ("solver.momentun=", "E501", "did you mean `momentum`?"),
        ("solver.momentum=", "E507", None),  # not written: nothing to take away
    ],
)
def test_an_empty_value_for_what_is_not_written_is_marked_in_it(override, code, hint):
    (item,) = checked(TEXT, overrides=["vars.n=4", override]).errors
    assert (item.code, item.mark.file, item.mark.line) == (code, "--set", 2)
    assert hint is None or item.hint == hint


def test_a_variable_of_a_spec_without_any_says_what_to_set():
    text = INPUTS + "layers:\n  - {name: fc, type: InnerProduct, num_output: 10}\n"
    (item,) = checked(text, overrides=["vars.q=3"]).errors
    assert item.hint == "the spec has no `vars`: override a field, for instance layers.NAME.num_output"
