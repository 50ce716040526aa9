"""One value of a spec to one field: by the field's type, its range and its choices."""

from __future__ import annotations

import math
import types
import typing
from collections.abc import Callable
from fractions import Fraction
from typing import Any

from netspec.spec import scalars
from netspec.spec.diagnostics import nearest
from netspec.spec.expressions import Ratio, is_whole
from netspec.spec.fields import Entry, FieldSpec
from netspec.spec.marks import Mark
from netspec.spec.nodes import Mapping, Node, Scalar, Sequence, in_text, kind

Build = Callable[[type[Entry], Node], Entry | None]
_INT_LIMIT = 2**63
_NODES = (Scalar, Sequence, Mapping)


class Bad(Exception):
    """A value that a field cannot take."""

    def __init__(
        self, code: str, message: str, hint: str | None = None, mark: Mark | None = None, notes: tuple[str, ...] = ()
    ) -> None:
        super().__init__(message)
        self.code, self.message, self.hint, self.mark, self.notes = code, message, hint, mark, notes


def admits_none(annotation: Any) -> bool:
    """Whether ``None`` is a value of the type."""
    return annotation is Any or type(None) in typing.get_args(annotation)


def members(annotation: Any) -> tuple[Any, ...]:
    """Return the members of a union without None; of another type, the type itself."""
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        return tuple(a for a in typing.get_args(annotation) if a is not type(None))
    return (annotation,)


def is_node(annotation: Any) -> bool:
    """Whether a field is kept as the node it is written as."""
    return any(a in _NODES for a in members(annotation))


def convert(node: Node, annotation: Any, spec: FieldSpec, key: str, build: Build) -> Any:
    """Return the value of ``node`` as ``annotation``.

    Raises
    ------
    Bad
        With a code, a message that names ``key``, and a hint.
    """
    if is_node(annotation):
        return node
    wanted = members(annotation)
    for member in wanted[:-1]:
        if _looks_like(node, member):
            return _one(node, member, spec, key, build)
    return _one(node, wanted[-1], spec, key, build)


def _looks_like(node: Node, member: Any) -> bool:
    """Tell which member of a union is meant, by the form of the value alone."""
    origin = typing.get_origin(member) or member
    if isinstance(node, Sequence):
        return origin is tuple
    if isinstance(node, Mapping):
        return origin is dict or (isinstance(origin, type) and issubclass(origin, Entry))
    value = node.value
    if isinstance(value, bool) or origin is bool:
        return origin is bool and isinstance(value, bool)
    if isinstance(value, str):
        return origin is str or (isinstance(origin, type) and issubclass(origin, Entry))
    return origin is float or (origin is int and is_whole(value))


def _one(node: Node, annotation: Any, spec: FieldSpec, key: str, build: Build) -> Any:
    origin = typing.get_origin(annotation)
    if origin is tuple:
        return _tuple(node, typing.get_args(annotation), spec, key, build)
    if origin is dict:
        return _dict(node, typing.get_args(annotation)[1], spec, key, build)
    if isinstance(annotation, type) and issubclass(annotation, Entry):
        entry = build(annotation, node)
        if entry is None:
            raise Bad("", "")  # reported where it lies
        return entry
    return _ranged(_SCALARS[annotation](_scalar(node, annotation, key), spec, key), spec, key, node)


def _tuple(node: Node, arguments: tuple[Any, ...], spec: FieldSpec, key: str, build: Build) -> tuple[Any, ...]:
    items = node.items if isinstance(node, Sequence) else [node]
    many = len(arguments) == 2 and arguments[1] is Ellipsis
    if not many and len(items) != len(arguments):
        raise Bad("E512", f"`{key}` takes {len(arguments)} values, got {len(items)}")
    kinds = [arguments[0]] * len(items) if many else list(arguments)
    return tuple(_located(item, part, spec, key, build) for item, part in zip(items, kinds, strict=True))


def _located(node: Node, annotation: Any, spec: FieldSpec, key: str, build: Build) -> Any:
    try:
        return convert(node, annotation, spec, key, build)
    except Bad as bad:
        bad.mark = bad.mark or node.mark
        raise


def _dict(node: Node, annotation: Any, spec: FieldSpec, key: str, build: Build) -> dict[str, Any]:
    if not isinstance(node, Mapping):
        raise Bad("E503", f"`{key}` is a mapping, got {kind(node)}")
    return {k.text: _located(value, annotation, spec, f"{key}.{k.text}", build) for k, value in node.pairs}


_NOUNS = {int: "a whole number", float: "a number", bool: "true or false", str: "a text"}


def _scalar(node: Node, annotation: Any, key: str) -> Scalar:
    if isinstance(node, Scalar):
        if node.value is None:
            raise Bad("E507", f"`{key}` has no value")
        return node
    hint = None
    if isinstance(node, Sequence) and len(node.items) == 1:
        hint = "write the value without the brackets"
    raise Bad("E503", f"`{key}` is {_NOUNS.get(annotation, 'a single value')}, got {kind(node)}", hint)


def _written(scalar: Scalar) -> str:
    """Return how a value came about, for values out of expressions."""
    return f" (`{scalar.text}`)" if scalar.is_given and "$" in scalar.text else ""


def _not_a_number(scalar: Scalar, key: str, noun: str) -> Bad:
    value = scalar.value
    if isinstance(value, str):
        if scalar.quoted and not scalar.is_given and isinstance(scalars.resolve(value), int | float):
            return Bad("E510", f'`{key}` is {noun}, got the text "{value}"', f"write it without quotes: {value}")
        meant = None if scalar.is_given else scalars.number_meant(value)
        if meant is not None:
            what, remedy = meant
            code = "E509" if "unit" in what or "percentage" in what else "E508"
            hint = f"write {remedy}" if remedy else "write a plain number"
            return Bad(code, f"`{key}` is {noun}; `{value}` is {what}", hint)
    return Bad("E503", f"`{key}` is {noun}, got {kind(scalar)}{_written(scalar)}")


def _int(scalar: Scalar, spec: FieldSpec, key: str) -> int:
    value = scalar.value
    if isinstance(value, Ratio):
        raise Bad("E206", f"{key}: {value.story()} is not a whole number", "use `//`, `floor`, `ceil` or `round`")
    if isinstance(value, bool) or not isinstance(value, int | float | Fraction):
        raise _not_a_number(scalar, key, _NOUNS[int])
    if not is_whole(value):
        near = f"write {math.floor(value)} or {math.ceil(value)}" if math.isfinite(value) else None
        raise Bad("E206", f"`{key}` is a whole number, got {in_text(value)}{_written(scalar)}", near)
    if not -_INT_LIMIT < value < _INT_LIMIT:
        raise Bad("E504", f"`{key}` is beyond 2^63, got {in_text(value)}{_written(scalar)}")
    return int(value)


def _float(scalar: Scalar, spec: FieldSpec, key: str) -> float:
    value = scalar.value
    if isinstance(value, bool) or not isinstance(value, int | float | Fraction):
        raise _not_a_number(scalar, key, _NOUNS[float])
    if isinstance(value, int) and abs(value) >= _INT_LIMIT:
        raise Bad("E504", f"`{key}` is beyond 2^63, got {in_text(value)[:40]}")
    if not math.isfinite(value):
        raise Bad("E504", f"`{key}` must be a finite number{_limits(spec)}, got {in_text(value)}{_written(scalar)}")
    return float(value)


def _limits(spec: FieldSpec) -> str:
    wanted = range_text(spec)
    return f" {wanted}" if wanted else ""


def _bool(scalar: Scalar, spec: FieldSpec, key: str) -> bool:
    value = scalar.value
    if isinstance(value, bool):
        return value
    if isinstance(value, str):
        meant = scalars.boolean_meant(value)
        if meant is not None and scalar.quoted:
            raise Bad("E510", f'`{key}` is true or false, got the text "{value}"', f"write {meant}, without quotes")
        if meant is not None:
            raise Bad("E508", f"`{key}` is true or false; `{value}` is text in YAML 1.2", f"write {meant}")
    if value in (0, 1):
        hint = "write true" if value else "write false"
        raise Bad("E503", f"`{key}` is true or false, got {kind(scalar)}{_written(scalar)}", hint)
    raise Bad("E503", f"`{key}` is true or false, got {kind(scalar)}{_written(scalar)}")


def _str(scalar: Scalar, spec: FieldSpec, key: str) -> str:
    value = scalar.value
    if spec.choices is not None:
        return _choice(scalar.text if isinstance(value, bool) else in_text(value), spec.choices, key)
    if isinstance(value, str):
        return value
    raise Bad(
        "E503", f"`{key}` is a text, got {kind(scalar)}{_written(scalar)}", f'put it in quotes: "{in_text(value)}"'
    )


def _choice(text: str, choices: tuple[str, ...], key: str) -> str:
    for choice in choices:
        if choice.lower() == text.lower():
            return choice
    near = nearest(text, choices)
    hint = f"did you mean `{near}`?" if near else None
    raise Bad("E505", f"`{key}` is one of {', '.join(choices)}; got `{text}`", hint)


_SCALARS: dict[Any, Callable[[Scalar, FieldSpec, str], Any]] = {int: _int, float: _float, bool: _bool, str: _str}


def range_text(spec: FieldSpec) -> str | None:
    """Return the allowed range in words: ``at least 1``, ``in [0, 1)``, None without one."""
    low = spec.minimum if spec.minimum is not None else spec.above
    high = spec.maximum if spec.maximum is not None else spec.below
    if low is None and high is None:
        return None
    if high is None:
        return f"at least {in_text(low)}" if spec.above is None else f"greater than {in_text(low)}"
    if low is None:
        return f"at most {in_text(high)}" if spec.below is None else f"less than {in_text(high)}"
    left, right = "[" if spec.above is None else "(", "]" if spec.below is None else ")"
    return f"in {left}{in_text(low)}, {in_text(high)}{right}"


def inside(spec: FieldSpec) -> str | None:
    """Return a value that the range allows: the default if there is one, else next to a bound; the first choice."""
    if spec.choices:
        return spec.choices[0]
    value = spec.default[0] if isinstance(spec.default, tuple) and spec.default else spec.default
    if isinstance(value, int | float) and not isinstance(value, bool) and not _outside(value, spec):
        return in_text(value)
    low = spec.minimum if spec.minimum is not None else spec.above
    high = spec.maximum if spec.maximum is not None else spec.below
    for candidate in (
        spec.minimum,
        spec.maximum,
        (low + high) / 2 if low is not None and high is not None else None,
        None if low is None else low + 1,
        None if high is None else high - 1,
    ):
        if candidate is not None and not _outside(candidate, spec):
            return in_text(candidate)
    return None


def _outside(value: float, spec: FieldSpec) -> bool:
    return (
        not math.isfinite(value)
        or (spec.minimum is not None and value < spec.minimum)
        or (spec.maximum is not None and value > spec.maximum)
        or (spec.above is not None and value <= spec.above)
        or (spec.below is not None and value >= spec.below)
    )


def _ranged(value: Any, spec: FieldSpec, key: str, node: Node) -> Any:
    wanted = range_text(spec)
    if wanted is None or isinstance(value, str | bool):
        return value
    if _outside(value, spec):
        written = _written(node) if isinstance(node, Scalar) else ""
        raise Bad("E504", f"`{key}` must be {wanted}, got {in_text(value)}{written}")
    return value
