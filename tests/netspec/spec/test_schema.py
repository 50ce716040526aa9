from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from spec_reading import node

import netspec.fillers
import netspec.layers
import netspec.solvers
import netspec.sources  # noqa: F401 (fill the registries)
from netspec import zoo
from netspec.spec.nodes import to_value
from netspec.spec.registry import FILLERS, LAYERS, SOLVERS, SOURCES
from netspec.spec.schema import spec_schema

SCHEMA = spec_schema()
DEFINITIONS = SCHEMA["definitions"]
EXAMPLES = sorted((Path(__file__).parents[2] / "language").glob("*.yaml"))


def property_of(name: str, key: str) -> dict[str, Any]:
    found = DEFINITIONS[name]["properties"][key]
    assert isinstance(found, dict)
    return found


def references(part: Any) -> set[str]:
    if isinstance(part, dict):
        own = {part["$ref"]} if isinstance(part.get("$ref"), str) else set()
        return own.union(*map(references, part.values())) if part else own
    return set().union(*map(references, part)) if isinstance(part, list) and part else set()


def test_it_is_draft_07_and_plain_json() -> None:
    assert SCHEMA["$schema"] == "http://json-schema.org/draft-07/schema#"
    assert "$defs" not in SCHEMA
    assert json.loads(json.dumps(SCHEMA, allow_nan=False)) == SCHEMA


def test_every_registered_type_has_a_definition() -> None:
    expected = {
        f"{word}.{cls.type_name}"
        for word, registry in (("layer", LAYERS), ("filler", FILLERS), ("solver", SOLVERS), ("data", SOURCES))
        for cls in registry
    }
    assert expected <= DEFINITIONS.keys()
    assert len(expected) > 30


def test_every_reference_has_its_definition() -> None:
    assert {ref.removeprefix("#/definitions/") for ref in references(SCHEMA)} <= DEFINITIONS.keys()


def test_fields_have_types_ranges_defaults_and_docs_and_admit_expressions() -> None:
    assert property_of("layer.Convolution", "num_output") == {
        "anyOf": [{"type": "integer", "minimum": 1}, {"$ref": "#/definitions/expression"}],
        "description": "outputs, K",
    }
    pool = property_of("layer.Pooling", "pool")
    assert pool["default"] == "MAX"
    assert set(pool["anyOf"][0]["enum"]) == {
        form for word in ("MAX", "AVE", "STOCHASTIC") for form in (word, word.lower(), word.capitalize())
    }
    assert property_of("layer.BatchNorm", "eps")["anyOf"][0] == {"type": "number", "exclusiveMinimum": 0}


def test_lists_admit_one_value() -> None:
    kinds = property_of("layer.Convolution", "kernel_size")["anyOf"]
    assert {"type": "integer", "minimum": 1} in kinds
    assert [k["type"] for k in kinds if k.get("type") == "array"] == ["array"]


def test_layers_take_no_other_keys() -> None:
    assert all(DEFINITIONS[f"layer.{cls.type_name}"]["additionalProperties"] is False for cls in LAYERS)


@pytest.mark.parametrize(
    "path", [*(zoo.find(name) for name in zoo.names()), *EXAMPLES], ids=lambda path: f"{path.parent.name}-{path.stem}"
)
def test_the_schema_admits_the_zoo_and_the_examples(path: Path) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    document = to_value(node(Path(path).read_text(encoding="utf-8")))
    texts = json.loads(json.dumps(document))  # keys as JSON has them
    assert [error.message for error in jsonschema.Draft7Validator(SCHEMA).iter_errors(texts)] == []


@pytest.mark.parametrize(
    "text",
    [
        "{type: Convolution, name: a, nun_output: 3}",
        "{type: Convolution, name: a, num_output: 0}",
        "{type: Convolution, name: a, num_output: many}",
        "{type: Convolutio, name: a}",
        "{name: a}",
        "{type: Pooling, name: a, pool: AVG}",
    ],
)
def test_the_schema_refuses_what_check_refuses(text: str) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    document = {"inputs": {"data": [1]}, "layers": [to_value(node(text))]}
    assert list(jsonschema.Draft7Validator(SCHEMA).iter_errors(document)) != []


@pytest.mark.parametrize(
    "text",
    [
        "{inputs: {data: [1]}, layers: [{name: a, each: {type: [ReLU, TanH]}}]}",
        "{data: {source: mnist, train: , test: }, layers: [{name: a, type: ReLU}]}",
    ],
)
def test_the_schema_admits_what_check_admits(text: str) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    assert list(jsonschema.Draft7Validator(SCHEMA).iter_errors(to_value(node(text)))) == []
