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


def test_fields_of_a_later_solver_or_source_are_no_slips():
    text = "data: {source: %s, columns: {x: a}}\nlayers:\n  - {type: ReLU, bottom: x}\nsolver: {type: %s, %s}\n"
    adam = "momentum: 0.9, momentum2: 0.99, delta: 1e-8, base_lr: 1e-3"
    assert [e.code for e in checked(text % ("csv", "Adam", adam)).errors] == ["E211", "E211"]
    found = checked(text % ("csv", "Adam", adam + ", epochs: 3")).errors
    assert [e.message for e in found][2:] == ["unknown key `epochs` in a solver"]
    # a type that no version has: whatever no type knows is a slip
    slips = [e.message for e in checked(text % ("digts", "Adm", adam)).errors if e.code == "E501"]
    assert slips == [
        "unknown key `columns` in a data source",
        "unknown key `momentum2` in a solver",
        "unknown key `delta` in a solver",
    ]
