from __future__ import annotations

import pytest
from net_support import INPUTS, found, layers, net_of, wires

from netspec.spec.rules import Rule

TEXT = INPUTS + "layers:\n  - {name: a, type: ReLU}\n  - {name: b, type: Sigmoid, %s}\n  - {name: c, type: ReLU}\n"


def phases(rule: str, stages: tuple[str, ...] = ()) -> str:
    """The phases in which a layer of this rule is there."""
    there = [p for p in ("train", "test") if "b" in net_of(TEXT % rule, p, stages=stages).by_name]
    return " ".join(there)


@pytest.mark.parametrize(
    ("rule", "stages", "expected"),
    [
        ("include: train", (), "train"),
        ("include: TEST", (), "test"),
        ("exclude: train", (), "test"),
        ("include: [train, test]", (), "train test"),
        ("include: {phase: TRAIN}", (), "train"),
        ("include: {stage: s}", (), ""),
        ("include: {stage: s}", ("s",), "train test"),
        ("include: {stage: [s, t]}", ("s",), ""),
        ("include: {stage: [s, t]}", ("t", "s"), "train test"),
        ("include: {not_stage: s}", ("s",), ""),
        ("exclude: {not_stage: s}", ("s",), "train test"),
        ("include: {phase: test, stage: s}", ("s",), "test"),
        ("include: [train, {stage: s}]", ("s",), "train test"),
        ("exclude: [{phase: train, stage: s}, {phase: test, stage: t}]", ("s",), "test"),
        ("include: {min_level: 1}", (), ""),
        ("include: {max_level: 0}", (), "train test"),
        ("include: {}", (), "train test"),
    ],
)
def test_a_rule_says_where_a_layer_is(rule, stages, expected):
    assert phases(rule, stages) == expected


def test_a_layer_that_is_absent_is_no_link_of_the_chain():
    assert wires(net_of(TEXT % "include: test", "train")) == {"a": ["data"], "c": ["a"]}
    assert wires(net_of(TEXT % "include: test", "test")) == {"a": ["data"], "b": ["a"], "c": ["b"]}


def test_one_name_may_serve_two_phases():
    entries = "name: x, type: ReLU, include: train\nname: x, type: Sigmoid, include: test\nname: y, type: ReLU"
    assert [layers(entries, phase).by_name["x"].type for phase in ("train", "test")] == ["ReLU", "Sigmoid"]


def test_the_rule_of_a_block_instance_holds_for_all_inside():
    text = INPUTS + (
        "blocks: {b: {layers: [{name: r, type: ReLU}, {name: s, type: ReLU, include: train}]}}\n"
        "layers:\n  - {block: b, name: x, include: test}\n  - {name: y, type: ReLU}\n"
    )
    assert wires(net_of(text, "train")) == {"y": ["data"]}
    assert wires(net_of(text, "test")) == {"x/r": ["data"], "y": ["x/r"]}


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ("include: 3", "not a rule: the number 3"),
        ("include: {stages: s}", "a rule has no key `stages`"),
        ("include: {stage: 3}", "a stage is a name, got the number 3"),
        ("include: {min_level: high}", "min_level is a whole number, got the text `high`"),
        ("exclude: [[train]]", "not a rule: a list of 1"),
    ],
)
def test_what_is_no_rule_is_refused(rule, message):
    assert found(TEXT % rule) == [f"4 E231 {message}"]


def test_a_rule_without_conditions_always_matches():
    assert Rule().matches("train", frozenset())


def test_a_stage_that_no_rule_names_is_a_warning():
    assert found(TEXT % "include: {stage: augment}", stages=["agument"]) == [
        "1 W105 no layer has a rule for the stage `agument`"
    ]
    assert found(TEXT % "exclude: [{not_stage: augment}]", stages=["augment"]) == []
