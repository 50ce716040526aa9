"""Plain data as YAML that our own reader takes back unchanged."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from fractions import Fraction
from pathlib import PurePath
from typing import SupportsFloat, SupportsIndex

from netspec.spec import scalars
from runtime.errors import UsageError

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_./-]*(?: [A-Za-z0-9_./-]+)*")
_DEEPEST = 200  # the reader says more of what is deeper than 64
_YAML_1_1 = frozenset("y yes n no on off true false null nan inf infinity".split())


def text(value: str) -> str:
    """Return a text as a scalar, quoted where any reader could take it for something else.

    A dollar sign is doubled, so that nothing in it is an expression.
    """
    value = value.replace("$", "$$")
    if (
        _PLAIN.fullmatch(value)
        and value.lower() not in _YAML_1_1
        and not isinstance(scalars.resolve(value), int | float | bool | None)
    ):
        return value
    return json.dumps(value, ensure_ascii=False)


def flow(value: object, raw: bool = True, depth: int = 0) -> str:
    """Return data on one line: ``{num_output: 20, kernel_size: [5, 5]}``.

    Parameters
    ----------
    raw : bool
        Dollar signs keep their meaning (data that a caller wrote); else they are doubled.

    Raises
    ------
    UsageError
        For an object that no YAML of ours can hold.
    """
    if depth > _DEEPEST:
        raise UsageError(f"a spec cannot hold data nested deeper than {_DEEPEST}; does it contain itself?")
    if callable(plain := getattr(value, "tolist", None)):
        value = plain()  # NumPy's arrays and scalars
    if isinstance(value, Mapping):
        pairs = ((flow(k, raw, depth + 1), flow(v, raw, depth + 1)) for k, v in value.items())
        return "{" + ", ".join(f"{k}: {v}".rstrip() for k, v in pairs) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(flow(item, raw, depth + 1) for item in value) + "]"
    return _scalar(value, raw)


def _scalar(value: object, raw: bool) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, PurePath):
        value = str(value)
    if isinstance(value, str):
        quoted = text(value.replace("$", "") if raw else value)
        return json.dumps(value, ensure_ascii=False) if raw and "$" in value else quoted
    if isinstance(value, Fraction):
        value = float(value)
    if not isinstance(value, int | float):
        value = _number(value)
    return scalars.shortest(value)


def _number(value: object) -> int | float:
    """Take the numbers of other libraries (NumPy's scalars) by what they can do."""
    if isinstance(value, SupportsIndex):
        return int(value)
    if isinstance(value, SupportsFloat):
        return float(value)
    raise UsageError(f"a spec cannot hold {value!r} ({type(value).__name__})")


def entries(items: Iterable[Mapping[str, object]]) -> str:
    """Return a list of mappings, one a line, as the specs are written."""
    return "".join(f"  - {flow(item, raw=False)}\n" for item in items)


def block(value: Mapping[str, object]) -> str:
    """Return a mapping with one key a line, the values in flow style; dollar signs are kept."""
    return "".join(f"{flow(key)}:{_nested(item)}\n" for key, item in value.items())


def _nested(item: object) -> str:
    if isinstance(item, list | tuple) and item and all(isinstance(part, Mapping) for part in item):
        return "\n" + "\n".join(f"  - {flow(part)}" for part in item)
    return " " + flow(item)
