from __future__ import annotations

import pytest
from spec_reading import node

import netspec.fillers
import netspec.layers
import netspec.solvers  # noqa: F401 (fill the registries)
from netspec.spec import foreign
from netspec.spec.build import build
from netspec.spec.diagnostics import Diagnostics
from netspec.spec.fields import keys_of
from netspec.spec.layer import Layer
from netspec.spec.registry import LAYERS, SOLVERS


def test_words_of_others_lead_to_fields_and_types_that_exist() -> None:
    fields = {key for registry in (LAYERS, SOLVERS) for cls in registry for key in keys_of(cls)}
    assert set(foreign.FIELDS.values()) - fields == set()
    assert {name for name in foreign.TYPES.values() if LAYERS.get(name) is None} == set()


@pytest.mark.parametrize(
    ("entry", "hint"),
    [
        ("type: Convolution, filters: 3", "did you mean `num_output`?"),
        ("type: InnerProduct, units: 3", "did you mean `num_output`?"),
        ("type: Pooling, strides: 2", "did you mean `stride`?"),
        ("type: Conv2D", "did you mean `Convolution`?"),
        ("type: Dense", "did you mean `InnerProduct`?"),
        ("type: MaxPooling2D", "did you mean `Pooling`?"),
        ("type: relu", "did you mean `ReLU`?"),
    ],
)
def test_words_of_others_are_understood(entry: str, hint: str) -> None:
    diagnostics = Diagnostics()
    assert build(Layer, node("{name: a, " + entry + "}"), diagnostics) is None
    assert hint in [d.hint for d in diagnostics.items]
