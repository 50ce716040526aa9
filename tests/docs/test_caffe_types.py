"""The table of Caffe's types: none is missing, and what it promises is there."""

from __future__ import annotations

import re

import pytest

import netspec.fillers
import netspec.layers
import netspec.policies
import netspec.solvers
import netspec.sources  # noqa: F401 (the folders fill the registries)
from netspec.spec import caffe
from netspec.spec.registry import LAYERS, SOURCES

NAMES = [name for names in (*caffe.BVLC.values(), *caffe.FORKS.values()) for name in names]


def test_all_registered_names_are_listed_once():
    own = [name for names in caffe.BVLC.values() for name in names]
    assert (len(own), len(set(own))) == (61, 61)


@pytest.mark.parametrize("name", sorted(set(NAMES)))
def test_every_type_is_here_or_says_what_to_write(name):
    how, here = caffe.state(name)
    assert (here is None) == (name in caffe.INSTEAD)
    assert how == ("same" if here == name else "alias") if here else len(how) > 5


def test_nothing_is_explained_that_caffe_has_not():
    assert caffe.INSTEAD.keys() <= set(NAMES)


def test_types_and_sources_that_stand_in_are_there():
    texts = " ".join(caffe.INSTEAD.values())
    assert [n for n in re.findall(r"\bsources? ((?:`\w+`(?:, | or )?)+)", texts) if not known_sources(n)] == []
    written = set(
        re.findall(r"\b(?:[A-Z][a-z]+){2,}\b|\bNMS\b|\bLSTMCell\b|\b(?:Interp|Concat|Clip|Bias|Power)\b", texts)
    )
    assert {name for name in written if LAYERS.get(name) is None} <= set(NAMES) | {"LevelDB"}


def known_sources(text):
    return all(SOURCES.get(name) for name in re.findall(r"`(\w+)`", text))


@pytest.mark.parametrize("group", caffe.OTHERS)
def test_other_types_have_the_same_names(group):
    registry, names = caffe.OTHERS[group]
    assert [name for name in names if registry.get(name) is None] == []


def test_the_catalogue_is_complete():
    assert len(LAYERS) >= 95
