"""Typed entries in words: the reference of ``netspec layers`` and of the generated documentation."""

from __future__ import annotations

import inspect
import typing
from typing import Any

from netspec.spec.conversion import is_node, members, range_text
from netspec.spec.fields import Entry, FieldInfo, FieldSpec, fields_of
from netspec.spec.nodes import in_text
from netspec.spec.schema import own_fields, plain

_WORDS = {int: "int", float: "float", bool: "bool", str: "str"}


def type_text(annotation: Any, spec: FieldSpec) -> str:
    """Return a field's type: ``int``, ``MAX | AVE``, ``list of float``, ``filler``, ``blobs``."""
    if spec.schema is not None:
        return _schema_word(spec.schema)
    if is_node(annotation):
        return "any"
    return _member_text(annotation, spec)


def _schema_word(schema: dict[str, Any]) -> str:
    return str(schema.get("title") or schema.get("type") or "any")


def _member_text(annotation: Any, spec: FieldSpec) -> str:
    if len(several := members(annotation)) > 1:
        return " or ".join(_member_text(member, spec) for member in several)
    annotation = several[0]
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is tuple and arguments[-1] is Ellipsis:
        return f"list of {_member_text(arguments[0], spec)}"
    if origin is tuple:
        return "[" + ", ".join(_member_text(a, spec) for a in arguments) + "]"
    if origin is dict:
        return f"mapping to {_member_text(arguments[1], spec)}"
    if annotation is str and spec.choices is not None:
        return " | ".join(spec.choices)
    if annotation in _WORDS:
        return _WORDS[annotation]
    if annotation.registry is None:
        return "{" + ", ".join(info.key for info in fields_of(annotation)) + "}"
    return str(annotation.__name__).lower()


def default_text(info: FieldInfo) -> str:
    """Return a field's default as one writes it, ``required`` without one, empty where the doc tells it."""
    if info.required:
        return "required"
    value = plain(info.spec.default)
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    return "" if value in (None, []) else in_text(value)


def field_document(info: FieldInfo) -> dict[str, Any]:
    """Return the JSON object of one field."""
    spec = info.spec
    made: dict[str, Any] = {
        "name": info.key,
        "type": type_text(info.type, spec),
        "default": plain(spec.default),
        "doc": spec.doc,
        "required": info.required,
    }
    extra = {"range": range_text(spec), "unit": spec.unit, "aliases": list(spec.alias), "choices": spec.choices}
    return made | {word: value for word, value in extra.items() if value}


def entry_document(cls: type[Entry]) -> dict[str, Any]:
    """Return the JSON object of one class: type, fields of its own, documentation."""
    fields = [field_document(info) for info in own_fields(cls)]
    return {"type": cls.type_name, "fields": fields, "doc": inspect.cleandoc(cls.__doc__ or "")}


def common_fields(cls: type[Entry]) -> list[FieldInfo]:
    """Return the fields of a class that all of its kind have."""
    own = {info.key for info in own_fields(cls)}
    return [info for info in fields_of(cls) if info.key not in own]
