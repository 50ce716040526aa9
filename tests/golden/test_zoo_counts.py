"""The zoo's committed figures: parameters that the literature (or arithmetic) gives, with no data on the machine."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest

from netspec import zoo
from netspec.reports.inspect import inspect
from netspec.spec.load import load_spec

ROOT = Path(__file__).resolve().parents[2]
_spec = importlib.util.spec_from_file_location("generate_zoo", ROOT / "docs" / "generate_zoo.py")
generate_zoo = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(generate_zoo)

LEARNABLE = {
    "alexnet": 60_965_224,
    "autoencoder": 201_616,  # 784 x 128 + 128, 128 x 784 + 784
    "caffenet": 60_965_224,
    "captioning": 697_316,
    "char_gru": 267_393,  # 65 x 64, 3 x 256 x (64 + 256 + 1), (256 + 1) x 65
    "char_lstm": 718_849,  # 65 x 64, 4 x 384 x (64 + 384 + 1), (384 + 1) x 65
    "char_rnn": 37_249,  # 65 x 64, 128 x (64 + 128 + 1), (128 + 1) x 65
    "cifar10_full": 89_578,  # 2,432, 25,632, 51,264, 10,250: Caffe's prototxt
    "cifar10_quick": 145_578,
    "deconvnet": 2_307_973,
    "deep_linear": 672,  # 16 x 16, 16 x 16, 16 x 10
    "deepdream": 49_152,  # the picture: 3 x 128 x 128
    "depth": 865_357,
    "digits": 76_522,
    "dilated": 66_517,
    "fast_rcnn": 237_433,
    "faster_rcnn": 228_107,
    "fcn16s": 296_330,
    "fcn32s": 300_565,
    "fcn8s": 295_615,
    "fgsm": 431_080,
    "filters": 0,
    "finetune": 5_010,
    "flownet_c": 307_458,
    "flownet_s": 406_338,
    "googlenet": 13_378_280,
    "human_dynamics": 168_848,
    "inception_v3": 27_161_264,  # torchvision's, with its auxiliary head
    "kernel_svm": 10_010,
    "lenet": 431_080,
    "lenet5": 60_000,  # LeCun 1998, figure 2
    "lenet_conv": 431_080,
    "linear_regression": 2,
    "linear_svm": 650,
    "locally_connected": 46_898,  # 13 x 13 x 8 x 17, 6 x 6 x 8 x 73, 2,890
    "lstm_lm": 1_291_168,  # 4,000 x 128, 2 x 4 x 128 x (128 + 128 + 1), (128 + 1) x 4,000
    "maxout": 1_233_610,  # 785 x 1200, 241 x 1200, 241 x 10
    "mlp": 535_818,
    "mlp2": 238_510,  # 785 x 300, 301 x 10
    "mobilenet": 4_231_976,
    "nin": 7_595_176,  # the authors' prototxt
    "rcnn": 176_558,
    "resnet101": 44_549_160,  # torchvision's
    "resnet110": 1_730_714,  # He 2016: 1.7 M; two projections with BatchNorm on top, as below
    "resnet152": 60_192_808,
    "resnet18": 11_689_512,
    "resnet20": 272_474,
    "resnet34": 21_797_672,  # torchvision's
    "resnet50": 25_557_032,
    "resnet56": 855_770,
    "saliency": 431_080,
    "segnet": 144_773,
    "show_attend_tell": 398_436,
    "siamese": 431_102,  # LeNet and 10 x 2 + 2
    "softmax_regression": 650,
    "squeezenet": 1_235_496,
    "style_transfer": 49_152,
    "unet": 482_101,
    "vgg11": 132_863_336,  # torchvision's, as those below
    "vgg13": 133_047_848,
    "vgg16": 138_357_544,
    "vgg16_conv": 134_260_544,
    "vgg19": 143_667_240,
    "zfnet": 62_357_608,  # 14,208, 614,656, 885,120, 1,327,488, 884,992, 37,752,832, 16,781,312, 4,097,000
}
FORWARD_GIGAFLOPS = {
    # multiply-adds of the papers' tables, an item: VGG-16 15.5 G, VGG-19 19.6 G, ResNet-152 11.3 G, MobileNet 0.57 G,
    # ResNet-34 3.6 G, ResNet-50 3.8 G, ResNet-101 7.6 G; torchvision's: VGG-11 7.6 G, VGG-13 11.3 G,
    # Inception-v3 5.7 G, SqueezeNet 0.35 G at 224 pixels, not 227
    "vgg11": (15.2, 15.4),
    "vgg13": (22.6, 22.8),
    "resnet34": (7.2, 7.5),
    "resnet50": (7.6, 8.0),
    "resnet101": (15.1, 15.5),
    "inception_v3": (11.3, 11.7),
    "squeezenet": (0.7, 0.8),
    "vgg16": (30.9, 31.1),
    "vgg19": (39.2, 39.4),
    "resnet152": (22.4, 23.5),
    "mobilenet": (1.13, 1.25),
}


EXTRA = {"finetune": (431_080,), "googlenet": (6_998_552,), "kernel_svm": (75_010,)}
"""Other counts that a comment may begin with: frozen parameters too, or without heads."""


@pytest.fixture(autouse=True)
def no_data(monkeypatch, tmp_path):
    monkeypatch.setenv("NETSPEC_DATA", str(tmp_path))


def test_every_net_of_the_zoo_has_a_committed_count():
    assert sorted(LEARNABLE) == zoo.names()


@pytest.mark.parametrize("name", sorted(LEARNABLE))
def test_learnable_parameters_are_the_known_ones_and_the_index_is_up_to_date(name):
    found = generate_zoo.entry(zoo.find(name))
    assert found.learnable_params == LEARNABLE[name]
    assert found in zoo.entries(), "run: python docs/generate_zoo.py"


def test_the_index_and_the_page_are_of_these_nets():
    entries = sorted(zoo.entries(), key=lambda entry: entry.name)
    assert [entry.name for entry in entries] == zoo.names(), "run: python docs/generate_zoo.py"
    assert generate_zoo.PAGE.read_text(encoding="utf-8") == generate_zoo.page(entries)


@pytest.mark.parametrize("name", sorted(LEARNABLE))
def test_the_zoo_checks_clean_in_both_phases(name):
    spec = load_spec(zoo.find(name))
    for phase in spec.feeds:
        spec.net(phase)
    assert [] == [f"{d.mark}: {d.code} {d.message}" for d in spec.diagnostics.items]


@pytest.mark.parametrize("name", sorted(FORWARD_GIGAFLOPS))
def test_forward_arithmetic_is_that_of_the_paper(name):
    low, high = FORWARD_GIGAFLOPS[name]
    assert low <= inspect(zoo.find(name), batch=1).totals["flops_forward"] / 1e9 <= high


def test_googlenet_without_heads_has_the_published_count():
    found = inspect(zoo.find("googlenet"), batch=1, overrides={"vars.heads": False})
    assert found.totals["learnable_params"] == 6_998_552


def test_resnet_depth_is_a_variable():
    found = inspect(zoo.find("resnet20"), batch=1, overrides={"vars.depth": 56})
    # He 2016, option A: 0.85 M (853,018); option B adds two projections with BatchNorm (2,752)
    assert found.totals["learnable_params"] == 853_018 + 2_752


def test_inception_without_its_head_has_torchvisions_count():
    found = inspect(zoo.find("inception_v3"), batch=1, overrides={"vars.head": False})
    assert found.totals["learnable_params"] == 23_834_568


def test_resnet50_at_depth_152_is_resnet152():
    found = inspect(zoo.find("resnet50"), batch=1, overrides={"vars.depth": 152})
    assert found.totals["learnable_params"] == LEARNABLE["resnet152"]


def test_readme_has_the_right_counts():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    listed = {name: int(count.replace(",", "")) for name, count in re.findall(r"\| `(\w+)` \| ([\d,]+) ", text)}
    assert listed
    assert {name: LEARNABLE.get(name) for name in listed} == listed


def test_comments_have_the_right_counts():
    wrong = []
    for name, count in LEARNABLE.items():
        text = zoo.find(name).read_text(encoding="utf-8")
        said = re.search(r"^# (?:.*\. )?([\d,]+)(?: learnable)? parameters", text, re.M)
        if said and int(said[1].replace(",", "")) not in (count, *EXTRA.get(name, ())):
            wrong.append(f"{name}: {said[1]}")
    assert wrong == []


def test_resnet152_is_written_in_at_most_80_lines():
    assert len(Path(zoo.find("resnet152")).read_text(encoding="utf-8").splitlines()) <= 80


def test_every_spec_says_where_it_comes_from_and_what_to_expect():
    for name in zoo.names():
        first = zoo.find(name).read_text(encoding="utf-8").splitlines()[:2]
        assert [line[:2] for line in first] == ["# ", "# "], name


def test_zoo_names_are_bare():
    assert zoo.find("lenet.yaml") is None
    assert zoo.find("../specs/lenet") is None
    assert zoo.find("no_such_net") is None
