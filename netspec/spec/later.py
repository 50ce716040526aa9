"""Types that the language or Caffe has and this version has not, and what to write until then."""

from __future__ import annotations

from collections.abc import Mapping

from netspec.spec.caffe import INSTEAD

_HINTS: dict[str, Mapping[str, str | None]] = {"layer type": INSTEAD, "data source": {"lmdb": None}}

_TABLE = {kind: {name.lower(): hint for name, hint in hints.items()} for kind, hints in _HINTS.items()}


def is_later(kind: str, name: str) -> bool:
    """Whether a type of this kind (``layer type``, ..) comes with a later version."""
    return name.lower() in _TABLE.get(kind, {})


def instead(kind: str, name: str) -> str | None:
    """Return what to write until then, None if nothing does the same."""
    return _TABLE[kind][name.lower()]
