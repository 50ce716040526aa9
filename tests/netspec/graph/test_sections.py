"""The data section: one source or several a phase, further tests, and what is chained from them."""

from __future__ import annotations

import pytest
from net_support import checked, found, net_of, spec_of

from netspec.sources.joint import Joint
from netspec.spec.feeds import Feed, feed_of
from runtime.errors import UsageError

LAYERS = """
layers:
  - {name: ip, type: InnerProduct, num_output: 10}
  - {name: loss, type: SoftmaxWithLoss, bottom: [ip, label]}
"""
STAGES = """
name: stages
data:
  source: digits
  scale: 0.0625
  train: {batch_size: 8}
  test: {batch_size: 10}
  test_seen: {batch_size: 20, split: train}
  test_half: {batch_size: 5, part: [0, 0.5]}
layers:
  - {name: ip, type: InnerProduct, num_output: 10}
  - {name: loss, type: SoftmaxWithLoss, bottom: [ip, label]}
  - {name: accuracy, type: Accuracy, bottom: [ip, label], include: test}
  - {name: both, type: Accuracy, bottom: [ip, label], include: [{phase: test, stage: test_seen}, {stage: test_half}]}
  - {name: plain, type: Accuracy, bottom: [ip, label], include: {phase: test, not_stage: [test_seen, test_half]}}
  - {name: top2, type: Accuracy, top_k: 2, bottom: [ip, label], include: [train, {stage: test_seen, phase: test}]}
solver: {base_lr: 0.1, max_iter: 4}
"""


def test_keys_beside_the_phases_hold_for_each_source_of_a_list():
    spec = spec_of("""
data:
  scale: 0.5
  batch_size: 4
  train:
    - {source: digits}
    - {source: synthetic, shape: [3, 5, 5], tops: [other, kind], scale: 2}
""" + LAYERS)  # fmt: skip
    joint = spec.data["train"]
    assert isinstance(joint, Joint)
    assert [source.type_name for source in joint.sources] == ["digits", "synthetic"]
    assert [(source.scale, source.batch_size) for source in joint.sources] == [(0.5, 4), (2.0, 4)]
    net = spec.net("train")
    assert {name: given.shape for name, given in net.inputs.items()} == {
        "data": (4, 1, 8, 8), "label": (4,), "other": (4, 3, 5, 5), "kind": (4,),
    }  # fmt: skip
    assert net.by_name["ip"].bottoms == ("data",)


def test_a_list_of_one_is_that_source():
    spec = spec_of("data: {train: [{source: digits, batch_size: 3}]}\n" + LAYERS)
    assert spec.data["train"].type_name == "digits"


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ("{source: digits, train: [3]}", "E212 the data of train is a mapping, or a list of them, got the number 3"),
        ("{source: digits, train: []}", "E212 the data of train is a mapping, or a list of them, got a list of 0"),
        ("{source: digits, test: {}, test_a: 3}", "E212 the data of test_a is a mapping, or a list of them, "
         "got the number 3"),
        ("{source: digits, test: {}, test_a.b: {}}", "E221 `test_a.b` cannot be a name"),
        ("{source: digits, tset: {}}", "E501 data has no phase `tset`"),
    ],
)  # fmt: skip
def test_what_cannot_be_a_source_is_said_at_its_place(data, expected):
    assert f"1 {expected}" in found(f"data: {data}\n" + LAYERS)


def test_names_of_a_wrong_list_are_guessed_from_all_its_parts():
    data = "{train: [{source: digits, scle: 1}, {source: csv, file: a.csv, columns: {x: [a], y: b}, pad: -1}]}"
    layers = """
layers:
  - {name: fit, type: InnerProduct, bottom: x, num_output: 1}
  - {name: loss, type: EuclideanLoss, bottom: [fit, nothing]}
"""
    codes = [line.split()[1] for line in found(f"data: {data}" + layers)]
    assert codes == ["E501", "E504", "E301"]


def test_a_further_test_is_phase_test_with_its_stage_and_its_own_data():
    spec = spec_of(STAGES)
    assert spec.phases == ("train", "test")
    assert spec.feeds == ("train", "test", "test_seen", "test_half")
    names = {feed: [node.name for node in spec.net(feed).nodes][2:] for feed in spec.feeds}
    assert names == {
        "train": ["top2"],
        "test": ["accuracy", "plain"],
        "test_seen": ["accuracy", "both", "top2"],
        "test_half": ["accuracy", "both"],
    }
    assert [spec.net(feed).batch for feed in spec.feeds] == [8, 10, 20, 5]
    net = spec.net("test_seen")
    assert (net.phase, net.fed.name, net.fed.source.split) == ("test", "test_seen", "train")


def test_a_stage_on_the_command_line_that_is_a_test_source_chooses_it():
    spec = spec_of(STAGES, stages=("test_seen",))
    assert spec.diagnostics.items == []
    assert spec.net("test").fed.name == "test_seen"
    assert spec.net("test_half").fed.name == "test_half"
    assert [node.name for node in spec.net("test_half").nodes][2:] == ["accuracy", "both"]


def test_an_unknown_feed_names_those_there_are():
    with pytest.raises(UsageError, match="no phase 'test_sen': train, test, test_seen, test_half"):
        spec_of(STAGES).net("test_sen")
    with pytest.raises(UsageError, match=r"no phase 'training': train, test$"):
        feed_of("training", (), ())
    assert feed_of("test", ("a",), ("train", "test")) == Feed("test", "test", frozenset("a"))


def test_mistakes_in_a_further_test_alone_are_found():
    text = STAGES.replace("bottom: [ip, label], include: [{phase", "bottom: [ip, lable], include: [{phase")
    assert [line.split()[1] for line in found(text)] == ["E301"]


def test_the_resolved_spec_has_the_same_nets_for_every_feed():
    spec = spec_of(STAGES)
    text = spec.resolved()
    again = spec_of(text)
    assert again.resolved() == text
    assert again.feeds == spec.feeds
    for feed in spec.feeds:
        assert [node.name for node in again.net(feed).nodes] == [node.name for node in spec.net(feed).nodes]
        assert again.data[feed] == spec.data[feed]


def test_the_resolved_spec_keeps_several_sources():
    text = """
data:
  batch_size: 4
  train: [{source: digits, scale: 0.5}, {source: synthetic, shape: [7], tops: [other, kind]}]
  test: {source: digits, batch_size: 3}
""" + LAYERS  # fmt: skip
    spec = spec_of(text)
    again = spec_of(spec.resolved())
    assert again.data == spec.data
    assert again.resolved() == spec.resolved()


def test_a_text_is_time_first_and_a_sample_lies_along_axis_1():
    net = net_of("""
data: {source: text, file: absent.txt, steps: 7, classes: 30, train: {batch_size: 4}}
layers:
  - {name: embed, type: Embed, input_dim: $classes, num_output: 8}
  - {name: score, type: InnerProduct, num_output: $classes, axis: 2}
  - {name: loss, type: SoftmaxWithLoss, bottom: [score, label], axis: 2}
""")  # fmt: skip
    assert {name: (given.shape, given.kind, given.axis) for name, given in net.inputs.items()} == {
        "data": ((7, 4), "label", 1), "label": ((7, 4), "label", 1), "cont": ((7, 4), "float", 1),
    }  # fmt: skip


def test_classes_that_no_source_declares_may_be_said_there():
    text = """
data: {source: text, file: absent.txt, train: {batch_size: 8}}
layers:
  - {name: score, type: Embed, input_dim: $classes, num_output: 8}
  - {name: loss, type: SoftmaxWithLoss, bottom: [score, label], axis: 2}
"""
    (error,) = checked(text).errors
    assert (error.code, error.hint) == (
        "E202",
        "the data do not say how many: `classes: 10` among the keys of the source, or in `vars`",
    )
    assert checked(text.replace("absent.txt,", "absent.txt, classes: 8,")).errors == []
