from __future__ import annotations

import pytest
from net_support import INPUTS, checked

import netspec.layers  # noqa: F401 (fills the registries)
from netspec.spec import later
from netspec.spec.registry import FILLERS, LAYERS, SOLVERS, SOURCES

LAYER = INPUTS + "layers:\n  - {name: fc, type: InnerProduct, num_output: 3}\n  - {name: x, %s}\n"


@pytest.mark.parametrize("registry", [LAYERS, FILLERS, SOLVERS, SOURCES], ids=lambda r: r.kind)
def test_what_is_there_is_not_said_to_come_later(registry):
    assert [name for name in registry.names() if later.is_later(registry.kind, name)] == []


@pytest.mark.parametrize("name", ["LSTM", "AbsVal", "Recurrent", "Gradient", "ImageData", "roipooling"])
def test_a_layer_of_a_later_version_is_named_as_such(name):
    (error,) = checked(LAYER % f"type: {name}").errors
    assert (error.code, "not supported yet" in error.message) == ("E211", True)


@pytest.mark.parametrize("name", ["AbsVal", "BNLL", "Clip", "Exp", "Log", "Power", "Swish", "Threshold"])
def test_the_formula_that_stands_in_for_a_layer_works(name):
    hint = later.instead("layer type", name)
    assert hint is not None
    entry = hint[1 : hint.rindex('"}') + 1].replace("..", "fc")
    assert checked(LAYER % entry).errors == []
