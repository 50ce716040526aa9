"""The JSON schema (draft-07) of a whole spec, made from the classes that read it.

Editors use it through a first line ``# yaml-language-server: $schema=...``; it
knows draft 7 at most. Wherever a value may stand, an expression may: a string
with a dollar sign. Required fields are not demanded: `defaults` may give them.
"""

from __future__ import annotations

import inspect
import typing
from typing import Any

from netspec.spec.conversion import admits_none, is_node, members
from netspec.spec.fields import Entry, FieldInfo, FieldSpec, fields_of, keys_of
from netspec.spec.layer import Filler, Layer
from netspec.spec.registry import FILLERS, LAYERS, SOLVERS, SOURCES, Registry
from netspec.spec.toplevel import MATH, MEMORY

Schema = dict[str, Any]

EXPRESSION: Schema = {"$ref": "#/definitions/expression"}
_ANY: Schema = {}
_NAMES: Schema = {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}


def spec_schema() -> Schema:
    """Return the schema; layers, fillers, solvers and sources must be imported (registered) before."""
    definitions: Schema = {"expression": {"type": "string", "pattern": "\\$", "description": "$name or ${expression}"}}
    for registry in (LAYERS, FILLERS, SOLVERS, SOURCES):
        for cls in registry:
            definitions[_definition(cls)] = _entry(cls)
    definitions |= {f"common.{key}": _field(info) for key, info in keys_of(Layer).items()}
    definitions["filler"] = _filler()
    definitions["entry"] = _layer_entry()
    definitions["layers"] = {"type": "array", "items": {"$ref": "#/definitions/entry"}}
    definitions["block"] = _block()
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "netspec",
        "description": "A net, or a solver file that names one with `net`.",
        "type": "object",
        "properties": _solver_keys() | _top_level(),
        "additionalProperties": False,
        "definitions": definitions,
    }


def _top_level() -> Schema:
    layers, anything = {"$ref": "#/definitions/layers"}, {"type": "object"}
    return {
        "name": {"type": "string", "description": "the net's name"},
        "data": {**_data(), "description": "the data source of each phase"},
        "inputs": {**anything, "description": "blob name to shape an item, in place of data"},
        "vars": {**anything, "description": "variables: `$name`"},
        "defaults": {
            "type": "object",
            "description": "fields of a layer type for every layer of it",
            "properties": {cls.type_name: {"$ref": f"#/definitions/{_definition(cls)}"} for cls in LAYERS},
            "additionalProperties": False,
        },
        "blocks": {
            "type": "object",
            "description": "named groups of layers, or spec files used as such",
            "additionalProperties": {"anyOf": [{"type": "string"}, {"$ref": "#/definitions/block"}]},
        },
        "layers": {**layers, "description": "the layers, in order"},
        "weights": {"anyOf": [{"type": "string"}, anything], "description": "files of weights to start from"},
        "solver": {**_typed(SOLVERS, "SGD"), "description": "how to train"},
        "math": {**_either([{"enum": list(MATH)}], False), "description": "how float32 is computed"},
        "memory": {**_either([{"enum": list(MEMORY)}], False), "description": "small recomputes activations"},
        "sample": {**anything, "description": "input and output of a sequence model"},
        "extends": {"type": "string", "description": "a spec file that this one edits"},
        "remove": {**_NAMES, "description": "layers of the base to leave out"},
        "change": {**anything, "description": "layer name or pattern to fields"},
        "net": {"type": "string", "description": "the net's spec file, in a solver file"},
        "set": {**anything, "description": "overrides of the net, in a solver file"},
        "stages": {**_NAMES, "description": "stages that are set, in a solver file"},
    }


def _solver_keys() -> Schema:
    """Return the solver's fields: a solver file has them at its top, beside ``net``."""
    every = {key: info for cls in SOLVERS for key, info in keys_of(cls).items()}
    return {"type": {"enum": _spellings(SOLVERS)}, **{key: _field(info) for key, info in every.items()}}


def _definition(cls: type[Entry]) -> str:
    kind = cls.registry.kind.split()[0] if cls.registry is not None else "entry"
    return f"{kind}.{cls.type_name}"


def first_line(cls: type[Entry]) -> str:
    """Return the first paragraph of a class's documentation in one line."""
    return " ".join(inspect.cleandoc(cls.__doc__ or "").split("\n\n")[0].split())


def _entry(cls: type[Entry]) -> Schema:
    """Return the schema of one class: its keys and aliases, nothing else."""
    properties: Schema = {cls.type_key: {"type": "string"}} if cls.registry is not None else {}
    properties |= {key: dict(_ANY) for key in cls.extra_keys if key != cls.type_key}
    # what all layers have is written once, or the schema has 20,000 lines
    common = keys_of(Layer) if issubclass(cls, Layer) else {}
    properties |= {
        key: {"$ref": f"#/definitions/common.{key}"}
        if key in common and info.spec is common[key].spec
        else _field(info)
        for key, info in keys_of(cls).items()
        if info.name not in cls.unused
    }
    return {
        "type": "object",
        "description": first_line(cls),
        "properties": properties,
        "additionalProperties": False,
    }


def _field(info: FieldInfo) -> Schema:
    made = {**_type(info.type, info.spec), "description": info.spec.doc}
    default = plain(info.spec.default)
    return made if info.required or default is None else {**made, "default": default}


def plain(value: object) -> Any:
    """Return a field's default as JSON knows it: lists for tuples, a mapping for an entry, None where there is none."""
    if isinstance(value, Entry):
        shown = {key: plain(v) for key, v in value.values().items()}
        return {value.type_key: value.type_name, **shown}
    if isinstance(value, tuple | list):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    return value if isinstance(value, bool | int | float | str) else None


def _type(annotation: Any, spec: FieldSpec) -> Schema:
    if is_node(annotation):
        return _either([spec.schema], True) if spec.schema else {}
    parts = [part for member in members(annotation) for part in _member(member, spec)]
    return _either(parts, admits_none(annotation))


def _either(parts: list[Schema], none: bool) -> Schema:
    every = [*parts, EXPRESSION, *([{"type": "null"}] if none else [])]
    flat = [inner for part in every for inner in (part["anyOf"] if set(part) == {"anyOf"} else [part])]
    return {"anyOf": flat}


def _member(annotation: Any, spec: FieldSpec) -> list[Schema]:
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is tuple:
        one = _type(arguments[0], spec)
        size = {} if arguments[-1] is Ellipsis else {"minItems": len(arguments), "maxItems": len(arguments)}
        return [*([one] if not size else []), {"type": "array", "items": one, **size}]
    if origin is dict:
        return [{"type": "object", "additionalProperties": _type(arguments[1], spec)}]
    if issubclass(annotation, Filler):
        return [{"$ref": "#/definitions/filler"}]
    if issubclass(annotation, Entry):
        return [_entry(annotation)]
    if annotation is str and spec.choices is not None:
        return [{"enum": _any_case(spec.choices)}]
    names = {int: "integer", float: "number", bool: "boolean", str: "string"}
    return [{"type": names[annotation], **(_bounds(spec) if annotation in (int, float) else {})}]


def _bounds(spec: FieldSpec) -> Schema:
    limits = {
        "minimum": spec.minimum,
        "maximum": spec.maximum,
        "exclusiveMinimum": spec.above,
        "exclusiveMaximum": spec.below,
    }
    return {word: limit for word, limit in limits.items() if limit is not None}


def _any_case(choices: tuple[str, ...]) -> list[str]:
    return list(dict.fromkeys(form for c in choices for form in (c, c.lower(), c.upper(), c.capitalize())))


def _by_type(registry: Registry, key: str, default: str | None = None) -> list[Schema]:
    """Return one if/then for each class: an editor then names the wrong key and not "no alternative fits"."""
    rules = []
    for cls in registry:
        names = [name for name in registry.spellings(cls.type_name)]
        condition: Schema = {"properties": {key: {"enum": names}}}
        if cls.type_name != default:
            condition["required"] = [key]
        rules.append({"if": condition, "then": {"$ref": f"#/definitions/{_definition(cls)}"}})
    return rules


def _spellings(registry: Registry) -> list[str]:
    return [name for cls in registry for name in registry.spellings(cls.type_name)]


def _typed(registry: Registry, default: str | None) -> Schema:
    names = {"anyOf": [{"enum": _spellings(registry)}, EXPRESSION]}
    return {"type": "object", "properties": {"type": names}, "allOf": _by_type(registry, "type", default)}


def _filler() -> Schema:
    return {"anyOf": [{"enum": _spellings(FILLERS)}, {"type": "number"}, _typed(FILLERS, Filler.default_type)]}


def _layer_entry() -> Schema:
    """Return the schema of one item of ``layers``: a block instance or a layer."""
    call = {"type": "object", "properties": {"block": {"type": "string"}, "name": {"type": "string"}}}
    # `each` may set the type
    layer = {**_typed(LAYERS, None), "anyOf": [{"required": ["type"]}, {"required": ["each"]}]}
    return {"type": "object", "if": {"required": ["block"]}, "then": call, "else": layer}


def _block() -> Schema:
    return {
        "type": "object",
        "properties": {
            "inputs": {**_NAMES, "description": "ports; default [in]"},
            "outputs": {**_NAMES, "description": "default: what chaining would take at the end"},
            "params": {"type": "object", "description": "name to default; empty: required"},
            "layers": {"$ref": "#/definitions/layers"},
        },
        "additionalProperties": False,
    }


def _data() -> Schema:
    """Return the schema of ``data``: fields of the source, and of each phase the same fields again."""
    rules = []
    for cls in SOURCES:
        own = {"$ref": f"#/definitions/{_definition(cls)}"}
        phase = {"anyOf": [own, {"type": "array", "items": {"type": "object"}}, {"type": "null"}]}
        properties: Schema = {cls.type_key: {"type": "string"}, "root": {"type": "string"}}
        properties |= {key: _field(info) for key, info in keys_of(cls).items()}
        properties |= {"train": phase, "test": phase}
        then = {"properties": properties, "patternProperties": {"^test_": phase}, "additionalProperties": False}
        condition = {"properties": {cls.type_key: {"enum": SOURCES.spellings(cls.type_name)}}}
        rules.append({"if": {**condition, "required": [cls.type_key]}, "then": then})
    names = {"anyOf": [{"enum": _spellings(SOURCES)}, EXPRESSION]}
    return {"type": "object", "properties": {"source": names}, "allOf": rules}


def own_fields(cls: type[Entry]) -> list[FieldInfo]:
    """Return the fields that a layer class adds to those of all layers."""
    common = keys_of(Layer)
    mine = [info for info in fields_of(cls) if info.name not in cls.unused]
    return [info for info in mine if not (issubclass(cls, Layer) and info.key in common)]
