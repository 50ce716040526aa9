"""The zoo's committed figures: parameters that the literature (or arithmetic) gives, with no data on the machine."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from netspec import zoo
from netspec.reports.inspect import inspect
from netspec.spec.load import load_spec

LEARNABLE = {
    "alexnet": 60_965_224,
    "caffenet": 60_965_224,
    "char_lstm": 874_881,  # 65 x 64, 4 x 256 x (64 + 256 + 1), 4 x 256 x (256 + 256 + 1), (256 + 1) x 65
    "cifar10_quick": 145_578,
    "digits": 76_522,
    "googlenet": 13_378_280,
    "lenet": 431_080,
    "mlp": 535_818,
    "mobilenet": 4_231_976,
    "resnet152": 60_192_808,
    "resnet18": 11_689_512,
    "resnet20": 272_474,
    "vgg16": 138_357_544,
    "vgg16_conv": 134_260_544,
    "vgg19": 143_667_240,
}
FORWARD_GIGAFLOPS = {
    # multiply-adds of the papers' tables, an item: VGG-16 15.5 G, VGG-19 19.6 G, ResNet-152 11.3 G, MobileNet 0.57 G
    "vgg16": (30.9, 31.1),
    "vgg19": (39.2, 39.4),
    "resnet152": (22.4, 23.5),
    "mobilenet": (1.13, 1.25),
}


@pytest.fixture(autouse=True)
def no_data(monkeypatch, tmp_path):
    monkeypatch.setenv("NETSPEC_DATA", str(tmp_path))


def test_every_net_of_the_zoo_has_a_committed_count():
    assert sorted(LEARNABLE) == zoo.names()


@pytest.mark.parametrize("name", sorted(LEARNABLE))
def test_learnable_parameters_are_the_known_ones(name):
    found = inspect(zoo.find(name), batch=1)
    assert LEARNABLE[name] == found.totals["learnable_params"]


@pytest.mark.parametrize("name", sorted(LEARNABLE))
def test_the_zoo_checks_clean_in_both_phases(name):
    spec = load_spec(zoo.find(name))
    spec.net("train")
    spec.net("test")
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


def test_readme_lists_the_zoo_with_its_counts():
    text = (Path(__file__).resolve().parents[2] / "README.md").read_text(encoding="utf-8")
    listed = {name: int(count.replace(",", "")) for name, count in re.findall(r"\| `(\w+)` \| ([\d,]+) ", text)}
    assert listed == LEARNABLE


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
