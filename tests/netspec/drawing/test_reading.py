from __future__ import annotations

from pathlib import Path

import pytest

from netspec import zoo
from netspec.drawing.picture import Arrow, Box
from netspec.drawing.reading import picture_of
from netspec.reports.inspect import inspect_net
from netspec.spec.load import load_spec

LANGUAGE = Path(__file__).parents[2] / "language"

TWO_TOWERS = {
    "inputs": {"left": [3], "right": [3]},
    "blocks": {"tower": {"layers": [{"name": "ip", "type": "InnerProduct", "num_output": 2}]}},
    "layers": [
        {"block": "tower", "name": "a", "bottom": "left"},
        {"block": "tower", "name": "b", "bottom": "right", "share": "a"},
        {"name": "both", "type": "Eltwise", "bottom": ["a", "b"]},
        {"name": "last", "type": "InnerProduct", "num_output": 2, "lr_mult": 0},
    ],
}


def picture(spec, phase="test"):
    return picture_of(load_spec(spec).net(phase))


def vertex(found, name):
    return next(each for each in found.root.vertices() if each.name == name)


def test_a_node_has_name_type_shape_and_parameters():
    conv = vertex(picture(zoo.find("lenet"), "train"), "conv1")
    assert (conv.label, conv.type, conv.kind, conv.output, conv.cost) == (
        "conv1", "Convolution", "weights", "64 x 20 x 24 x 24", "520 params",
    )  # fmt: skip


def test_kinds_tell_data_losses_and_metrics_apart():
    kinds = {each.name: each.kind for each in picture(zoo.find("lenet")).root.vertices()}
    assert kinds["data"] == kinds["label"] == "data"
    assert (kinds["conv1"], kinds["pool1"], kinds["loss"], kinds["accuracy"]) == ("weights", "plain", "loss", "metric")


def test_data_say_which_source_they_are_from():
    assert vertex(picture(zoo.find("lenet")), "data").type == "mnist"
    assert vertex(picture(TWO_TOWERS), "left").type == "input"


def test_blocks_are_boxes_in_boxes():
    boxes = {box.name: box for box in picture(zoo.find("googlenet"), "train").root.boxes()}
    assert boxes["i3a"].title == "i3a: inception"
    assert boxes["i3a/b1"] in boxes["i3a"].children
    assert [each.name for each in boxes["i3a/b1"].vertices()] == ["i3a/b1/conv", "i3a/b1/relu"]


def test_arrows_lead_from_the_maker_of_a_blob_to_its_readers():
    arrows = picture(TWO_TOWERS).arrows
    assert arrows == (
        Arrow("left", "a/ip", "left"),
        Arrow("right", "b/ip", "right"),
        Arrow("a/ip", "both", "a/ip"),
        Arrow("b/ip", "both", "b/ip"),
        Arrow("both", "last", "both"),
    )


def test_shared_and_frozen_weights_are_told():
    found = picture(TWO_TOWERS)
    assert (vertex(found, "a/ip").params, vertex(found, "a/ip").shares) == (8, True)
    assert (vertex(found, "b/ip").params, vertex(found, "b/ip").cost) == (0, "weights of a/ip")
    assert vertex(found, "last").cost == "6 params, frozen"


def test_parameters_tied_by_name_count_once():
    tied = [{"name": "w"}, {"name": "b"}]
    layers = [{"name": n, "type": "InnerProduct", "num_output": 3, "params": tied} for n in ("one", "two")]
    found = picture({"inputs": {"x": [3]}, "layers": layers})
    assert (found.params, vertex(found, "two").shared) == (12, "one")


@pytest.mark.parametrize("name", ["lenet", "googlenet", "resnet20", "char_lstm", "mobilenet"])
def test_parameters_of_a_drawing_are_those_that_inspect_counts(name):
    net = load_spec(zoo.find(name)).net("train", batch=1)
    assert picture_of(net).params == inspect_net(net).totals["params"]


@pytest.mark.parametrize("path", sorted(LANGUAGE.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_spec_of_the_language_can_be_drawn(path):
    spec = load_spec(path)
    for phase in spec.phases:
        net = spec.net(phase)
        names = {each.name for each in picture_of(net).root.vertices()}
        over_time = {node.name for node in net.nodes if node.type == "Recurrent"}
        assert names >= {*net.inputs, *(node.name for node in net.nodes)} - over_time


def test_a_block_over_time_shows_its_steps_and_the_state_that_goes_back():
    found = picture(LANGUAGE / "gru_by_hand.yaml", "train")
    box = next(found.root.boxes())
    assert box.title == "gru: Recurrent, each step"
    assert (vertex(found, "gru/h").type, vertex(found, "gru/x").type) == ("state", "of each step")
    assert [arrow for arrow in found.arrows if arrow.back] == [Arrow("gru/new", "gru/h", "gru/new", True)]
    assert Arrow("embed", "gru/x", "embed") in found.arrows
    assert Arrow("gru/new", "score", "gru") in found.arrows or Arrow("gru/new", "score", "gru/new") in found.arrows


def test_a_block_that_is_read_and_fed_in_between_is_drawn_without_its_box():
    spec = {
        "inputs": {"x": [3]},
        "blocks": {
            "pair": {
                "inputs": ["one", "two"],
                "layers": [
                    {"name": "first", "type": "ReLU", "bottom": "one"},
                    {"name": "second", "type": "ReLU", "bottom": "two"},
                ],
            }
        },
        "layers": [
            {"block": "pair", "name": "p", "bottom": ["x", "between"]},
            {"name": "between", "type": "TanH", "bottom": "p/first"},
        ],
    }
    found = picture(spec)
    assert not any(isinstance(child, Box) for child in found.root.children)
    assert [each.label for each in found.root.vertices()] == ["x", "p/first", "p/second", "between"]


def test_direction_marks_in_names_are_made_visible():
    assert picture({**TWO_TOWERS, "name": "a\u202eb"}).name == "a\\u202eb"
