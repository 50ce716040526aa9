"""Specs of the language's own examples: they parse, expand and wire in every phase."""

from __future__ import annotations

import time
from math import prod
from pathlib import Path

import pytest
from net_support import spec_of

from netspec.checking import check
from netspec.spec.load import load_spec

FOLDER = Path(__file__).parent / "language"
NAMES = sorted(path.stem for path in FOLDER.glob("*.yaml"))


def test_all_twenty_examples_are_here():
    assert len(NAMES) == 20


def load(name: str, **arguments: object):
    return load_spec(FOLDER / f"{name}.yaml", **arguments)


@pytest.fixture(autouse=True)
def no_data(monkeypatch, tmp_path):
    """Weights, pictures and tables are not opened: there are none."""
    monkeypatch.setenv("NETSPEC_DATA", str(tmp_path))


@pytest.mark.parametrize("name", NAMES)
def test_an_example_is_without_a_fault(name):
    assert check(FOLDER / f"{name}.yaml").diagnostics == []


@pytest.mark.parametrize(
    ("name", "phase", "layers", "outputs", "shapes"),
    [
        ("lenet", "train", 8, ("loss",), {"conv2": (64, 50, 8, 8), "ip2": (64, 10), "loss": ()}),
        ("lenet", "test", 9, ("loss", "accuracy"), {"pool2": (100, 50, 4, 4), "accuracy": ()}),
        ("resnet", "train", 515, ("loss",), {"res5/unit/3/relu": (1, 2048, 7, 7), "fc": (1, 1000)}),
        ("resnet152", "train", 515, ("loss",),
         {"res2/1/proj_bn": (32, 256, 56, 56), "res4/36/relu": (32, 1024, 14, 14)}),
        ("resnet152", "test", 516, ("loss", "accuracy"), {"pool5": (50, 2048, 1, 1), "fc1000": (50, 1000)}),
        ("resnet_cifar", "train", 73, ("loss",),
         {"res1/3/relu2": (128, 16, 32, 32), "res3/1/skip_bn": (128, 64, 8, 8)}),
        ("resnet_cifar", "test", 74, ("loss", "accuracy"), {"pool": (100, 64, 1, 1)}),
        ("googlenet", "train", 158, ("aux1/loss", "aux2/loss", "loss"),
         {"i3a/out": (32, 256, 28, 28), "aux1/fc": (32, 1024), "pool5": (32, 1024, 1, 1)}),
        ("googlenet", "test", 143, ("loss", "top5"), {"i5b/out": (50, 1024, 7, 7)}),
        # Long 2015: 568 pixels before the crop, of which 31 to 530 are those of the picture
        ("fcn8s", "train", 49, ("loss",), {"fc7": (1, 4096, 16, 16), "score4c": (1, 21, 34, 34),
                                           "score3c": (1, 21, 70, 70), "up8": (1, 21, 568, 568),
                                           "out": (1, 21, 500, 500)}),
        ("fcn8s", "test", 50, ("loss", "iou"), {"out": (1, 21, 500, 500)}),
        ("fgsm", "test", 19, ("before", "after"), {"attacked": (100, 1, 28, 28), "fooled/ip2": (100, 10)}),
        ("fgsm_one_picture", "train", 10, ("net/loss",), {"image": (1, 1, 28, 28), "net/ip2": (1, 10)}),
        ("finetune", "train", 23, ("loss",), {"conv1": (50, 96, 55, 55), "fc8": (50, 20)}),
        ("finetune", "test", 25, ("loss", "accuracy", "top5"), {"pool5": (50, 256, 6, 6)}),
        ("siamese", "train", 15, ("loss",), {"a/feature": (64, 2), "b/feature": (64, 2)}),
        ("stages", "test_seen", 5, ("loss", "accuracy", "seen", "class"), {"class": (10,)}),
        ("stages_solver", "train", 4, ("loss",), {"noise": (64, 1, 28, 28)}),
        ("style_transfer", "train", 100,
         ("content_loss", *(f"style{n}/loss" for n in range(1, 6)), "tv"),
         {"x/conv5_1": (1, 512, 16, 16), "style1/gx": (1, 64, 64), "s/conv4_1": (1, 512, 32, 32)}),
        ("denoising_autoencoder", "test", 7, ("loss", "error"), {"back": (100, 784)}),
        ("linear_regression", "train", 2, ("loss",), {"x": (64, 3), "fit": (64, 1)}),
        ("flownet_c", "train", 47, ("r5/loss", "r4/loss", "r3/loss", "loss"), {"corr": (8, 441, 8, 8)}),
        ("gru_by_hand", "train", 4, ("loss",), {"embed": (50, 1, 64), "gru": (50, 1, 128), "score": (50, 1, 65)}),
        ("show_attend_tell", "train", 12, ("loss", "doubly"), {"decode": (16, 32, 256), "score": (16, 32, 1000)}),
        ("char_lstm", "train", 5, ("loss",), {"embed": (50, 32, 64), "lstm2": (50, 32, 256), "score": (50, 32, 65)}),
        ("char_lstm", "test", 6, ("loss", "prob"), {"prob": (50, 32, 65)}),
        ("fast_rcnn", "train", 13, ("loss_cls", "loss_box"), {"roi": (64, 64, 7, 7), "box": (64, 20)}),
    ],
)  # fmt: skip
def test_an_example_is_wired_with_the_right_shapes(name, phase, layers, outputs, shapes):
    net = load(name).net(phase)
    assert len(net.nodes) == layers
    assert net.outputs == outputs
    assert {blob: net.shapes[blob] for blob in shapes} == shapes


def parameters(name: str, **arguments: object) -> int:
    """Weights and biases of convolutions and products, scales and biases of normalisations."""
    net = load(name, **arguments).net("train")
    total = 0
    for node in net.nodes:
        bottom = net.shapes[node.bottom_ids[0]]
        if node.type == "Convolution":
            total += node.layer.num_output * (bottom[1] * prod(node.layer.kernel) + node.layer.bias_term)
        elif node.type == "InnerProduct":
            total += node.layer.num_output * (prod(bottom[1:]) + 1)
        elif node.type == "BatchNorm":
            total += 2 * bottom[1]
    return total


@pytest.mark.parametrize(
    ("name", "overrides", "count"),
    [
        ("lenet", {}, 431_080),
        ("resnet152", {}, 60_192_808),
        ("resnet", {}, 60_192_808),
        ("resnet", {"vars.depth": 50}, 25_557_032),
        ("resnet_cifar", {}, 272_474),
        ("googlenet", {"vars.heads": False}, 6_998_552),
    ],
)
def test_an_example_has_the_known_number_of_parameters(name, overrides, count):
    # ResNet-20's projections have no bias; the others are in the examples' own comments.
    assert parameters(name, overrides=overrides) == count


def test_depth_decides_the_name_and_the_units():
    spec = load("resnet", overrides={"vars.depth": 50})
    assert spec.name == "ResNet-50"
    assert "res4/unit/6/relu" in spec.net("train").by_name
    assert "res4/unit/7/relu" not in spec.net("train").by_name


def test_a_depth_that_no_list_knows_names_those_it_does():
    (item,) = check(FOLDER / "resnet.yaml", overrides={"vars.depth": 34}).diagnostics
    assert (item.code, item.hint) == ("E209", "its keys are 50, 101, 152")


def test_a_depth_that_does_not_divide_shows_the_division():
    items = check(FOLDER / "resnet_cifar.yaml", overrides={"vars.depth": 21}).diagnostics
    assert {(d.code, d.message) for d in items} == {
        ("E206", "repeat: (depth - 2) / 6 = 3.167 (depth = 21) is not a whole number")
    }


def test_heads_of_googlenet_are_switched_off_without_a_trace():
    net = load("googlenet", overrides=["vars.heads=false"]).net("train")
    assert [name for name in net.by_name if name.startswith("aux")] == []
    assert net.by_name["i4b/b1/conv"].bottoms == ("i4a/out",)


def test_projections_are_wires_but_in_the_first_unit():
    net = load("resnet152").net("train")
    assert net.by_name["res3/1/sum"].bottoms == ("res3/1/bn3", "res3/1/proj_bn")
    assert net.by_name["res3/2/sum"].bottoms == ("res3/2/bn3", "res3/1/relu")


def test_the_towers_of_an_example_share_the_weights_they_say():
    fooled = load("fgsm").net("test").by_name
    assert [fooled[f"fooled/{name}"].owner for name in ("conv1", "conv2", "ip1", "ip2")] == [
        "net/conv1", "net/conv2", "net/ip1", "net/ip2",
    ]  # fmt: skip
    style = load("style_transfer").net("train")
    assert {node.owner.split("/")[0] for node in style.nodes if node.owner} == {"x"}
    assert {node.lr_mult for node in style.nodes if node.owner} == {0}
    assert {name for name in style.by_name if name.startswith("c/")} >= {"c/conv4_2", "c/pool3"}
    assert "c/relu4_2" not in style.by_name  # the rest of the file is dropped


def test_the_base_of_an_example_is_edited():
    net = load("finetune").net("train")
    assert [net.by_name[f"conv{n}"].lr_mult for n in range(1, 6)] == [0] * 5
    assert [(p.lr_mult, p.decay_mult) for p in net.by_name["fc8"].params] == [(10, 1), (20, 0)]
    assert net.by_name["fc7"].lr_mult == 1
    assert "prob" not in load("finetune").net("test").by_name


@pytest.mark.parametrize("name", NAMES)
def test_an_example_expands_to_a_spec_of_the_same_nets(name):
    spec = load(name)
    text = spec.resolved()
    again = spec_of(text)
    assert again.resolved() == text
    assert "$" not in text
    for phase in spec.feeds:
        old, new = spec.net(phase), again.net(phase)
        assert [(n.name, n.type, n.bottom_ids, n.top_ids, n.loss_weights) for n in new.nodes] == [
            (n.name, n.type, n.bottom_ids, n.top_ids, n.loss_weights) for n in old.nodes
        ]
        assert new.shapes == old.shapes
        assert new.inputs == old.inputs


def test_resnet152_is_loaded_and_wired_in_a_fraction_of_a_second():
    best = 9.0
    for _ in range(3):
        start = time.perf_counter()
        spec = load("resnet152")
        spec.net("train")
        spec.net("test")
        best = min(best, time.perf_counter() - start)
    assert best < 1.0  # 0.07 s on a free machine; the limit only catches what grows with the square
