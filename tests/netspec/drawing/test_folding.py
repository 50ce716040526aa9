from __future__ import annotations

from netspec import zoo
from netspec.drawing.folding import collapse, fold
from netspec.drawing.picture import Arrow
from netspec.drawing.reading import picture_of
from netspec.spec.load import load_spec

CHAIN = {
    "inputs": {"x": [4]},
    "blocks": {
        "unit": {
            "layers": [
                {"name": "ip", "type": "InnerProduct", "num_output": 4},
                {"name": "sum", "type": "Eltwise", "bottom": ["ip", "in"]},
            ]
        }
    },
    "layers": [{"block": "unit", "name": "u", "repeat": 5}, {"name": "end", "type": "ReLU"}],
}


def picture(spec, phase="test"):
    return picture_of(load_spec(spec).net(phase))


def test_turns_that_are_alike_are_drawn_once():
    whole = picture(CHAIN)
    folded = fold(whole)
    (box,) = folded.root.boxes()
    assert (box.title, box.times, box.last) == ("u/1 .. 5: unit, 5 times", 5, "u/5")
    assert folded.arrows == (
        Arrow("x", "u/1/ip", "x"),
        Arrow("u/1/ip", "u/1/sum", "u/1/ip"),
        Arrow("x", "u/1/sum", "x"),
        Arrow("u/1/sum", "end", "u/5/sum"),
    )
    assert folded.params == whole.params == 5 * 20


def test_a_turn_of_another_size_stays():
    spec = {**CHAIN, "layers": [{**CHAIN["layers"][0]}, CHAIN["layers"][1]]}
    spec["blocks"] = {
        "unit": {
            "params": {"scale": None},
            "layers": [{"name": "ip", "type": "InnerProduct", "num_output": 4}, {"type": "Power", "scale": "$scale"}],
        }
    }
    spec["layers"][0]["scale"] = "${2 if i == 3 else 1}"
    times = [box.times for box in fold(picture(spec)).root.boxes()]
    assert times == [2, 1, 2]


def test_a_turn_that_is_read_from_outside_stays():
    spec = {**CHAIN, "layers": [*CHAIN["layers"], {"name": "look", "type": "TanH", "bottom": "u/3/ip"}]}
    assert [box.times for box in fold(picture(spec)).root.boxes()] == [3, 2]


def test_resnet_152_becomes_readable():
    whole = picture(zoo.find("resnet152"), "train")
    folded = fold(whole)
    assert [box.times for box in folded.root.boxes()] == [1, 2, 1, 7, 1, 35, 1, 2]
    assert len(list(folded.root.vertices())) < 100 < len(list(whole.root.vertices()))
    assert folded.params == whole.params == 60_192_808


def test_deep_blocks_become_nodes():
    whole = picture(zoo.find("googlenet"))
    flat = collapse(whole, 0)
    assert list(flat.root.boxes()) == []
    block = next(each for each in flat.root.vertices() if each.name == "i3a")
    assert (block.kind, block.type, block.output, block.params) == ("block", "inception", "50 x 256 x 28 x 28", 163_696)
    assert flat.params == whole.params
    assert Arrow("pool2", "i3a", "pool2") in flat.arrows
    once = collapse(whole, 1)
    assert {box.name for box in once.root.boxes()} >= {"i3a", "i5b"}
    assert not any("/" in box.name for box in once.root.boxes())


def test_a_collapsed_block_says_whose_weights_it_uses():
    spec = {
        "inputs": {"left": [3], "right": [3]},
        "blocks": {"tower": {"layers": [{"name": "ip", "type": "InnerProduct", "num_output": 2}]}},
        "layers": [
            {"block": "tower", "name": "a", "bottom": "left"},
            {"block": "tower", "name": "b", "bottom": "right", "share": "a"},
        ],
    }
    costs = {each.name: each.cost for each in collapse(picture(spec), 0).root.vertices()}
    assert (costs["a"], costs["b"]) == ("8 params", "weights of a")
