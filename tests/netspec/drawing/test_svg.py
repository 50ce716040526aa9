from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

import netspec
from netspec import zoo
from netspec.drawing import texts
from netspec.drawing.files import draw
from netspec.drawing.svg import to_svg
from netspec.spec.load import load_spec

SVG = "{http://www.w3.org/2000/svg}"
ROOT = Path(netspec.__file__).parents[1]


def svg(spec, phase="train", **how):
    return to_svg(draw(load_spec(spec).net(phase), **how))


def words(text):
    return [each.text for each in ElementTree.fromstring(text).iter(f"{SVG}text")]


def test_every_layer_is_there_as_text():
    found = words(svg(zoo.find("lenet")))
    assert found[0] == "LeNet, phase train, batch 64: 431,080 params"
    assert {"conv1", "Convolution", "64 x 20 x 24 x 24", "520 params", "loss", "scalar"} <= set(found)


def test_a_reader_who_sees_nothing_is_told_all():
    root = ElementTree.fromstring(svg(zoo.find("lenet")))
    assert root.get("role") == "img"
    labels = {each.get("id"): each.text for each in root if each.get("id")}
    assert root.get("aria-labelledby").split() == list(labels)
    assert labels["title"] == "LeNet, phase train, batch 64"
    assert "conv1 (Convolution) reads data; pool1 (Pooling) reads conv1" in labels["desc"]
    titles = [each.text for each in root.iter(f"{SVG}title")]
    assert any(title.startswith("conv1, Convolution; gives 64 x 20 x 24 x 24; 520 params") for title in titles)


def test_the_colours_follow_the_page():
    assert "@media (prefers-color-scheme:dark)" in svg(zoo.find("lenet"))


def test_nothing_is_fetched():
    text = svg(zoo.find("googlenet")).replace('xmlns="http://www.w3.org/2000/svg"', "")
    assert "http" not in text
    assert "@import" not in text
    assert "url(" not in text.replace("url(#", "")


def test_what_a_user_wrote_is_escaped():
    spec = {"name": '<b>&"', "inputs": {"x": [2]}, "layers": [{"name": "y", "type": "ReLU"}]}
    assert words(svg(spec))[0].startswith('<b>&", phase train')


@pytest.mark.parametrize("seed", ["0", "7"])
def test_the_same_net_is_the_same_bytes_in_any_process(seed):
    program = (
        "import sys\nfrom netspec import zoo\nfrom netspec.drawing.files import draw\n"
        "from netspec.drawing.svg import to_svg\nfrom netspec.spec.load import load_spec\n"
        "sys.stdout.write(to_svg(draw(load_spec(zoo.find('googlenet')).net('train'))))"
    )
    environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, env=environment, timeout=60, check=True
    )
    assert done.stdout == svg(zoo.find("googlenet"))


def test_both_phases_can_be_drawn():
    assert "accuracy" not in words(svg(zoo.find("lenet"), "train"))
    assert "accuracy" in words(svg(zoo.find("lenet"), "test"))


def test_shared_weights_have_a_legend():
    spec = {
        "inputs": {"x": [3]},
        "layers": [
            {"name": "a", "type": "InnerProduct", "num_output": 3},
            {"name": "b", "type": "InnerProduct", "num_output": 3, "share": "a"},
        ],
    }
    found = words(svg(spec))
    assert "shared weights" in found
    assert "weights of a" in found


def test_a_folded_block_says_how_often_it_is_there():
    assert "res4/2 .. 36: bottleneck, 35 times" in words(svg(zoo.find("resnet152")))
    assert not any("times" in word for word in words(svg(zoo.find("resnet152"), unfold=True)))


def test_widths_grow_with_texts():
    assert texts.width("Mm", 10) > texts.width("il", 10)
    assert texts.width("ab", 20) == pytest.approx(2 * texts.width("ab", 10))
    assert texts.width("ab", 10, bold=True) > texts.width("ab", 10)
