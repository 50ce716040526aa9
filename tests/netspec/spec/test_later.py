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


@pytest.mark.parametrize("name", ["HDF5Output", "ImageData", "python"])
def test_a_layer_of_a_later_version_is_named_as_such(name):
    (error,) = checked(LAYER % f"type: {name}").errors
    assert (error.code, "not supported yet" in error.message) == ("E211", True)


def test_fields_of_a_later_source_are_no_slips():
    text = "data: {source: %s, backend: LMDB}\nlayers:\n  - {type: ReLU, bottom: x}\n"
    (error,) = checked(text % "lmdb").errors
    assert (error.code, error.message) == ("E211", "the data source `lmdb` is not supported yet")
    # a type that no version has: whatever no type knows is a slip
    slips = [e.message for e in checked(text % "digts").errors if e.code == "E501"]
    assert slips == ["unknown key `backend` in a data source"]
