"""Types that the language or Caffe has and this version has not, and what to write until then."""

from __future__ import annotations

_DATA = "a net's data comes from `data:` at the top of the spec"

_LAYERS: dict[str, str | None] = {
    **dict.fromkeys(("Data", "ImageData", "HDF5Data", "MemoryData", "WindowData"), _DATA),
    **dict.fromkeys(
        (
            "Gradient "
            "LSTMUnit "
        ).split()
    ),
    "HDF5Output": "`forward()` of a compiled net gives its outputs as arrays, and those that `keep` names",
    "Python": "an Expression, or a layer class beside those in netspec/layers",
}

_OTHERS = {
    "data source": ("lmdb",),
}


_FIELDS: dict[str, tuple[str, ...]] = {}


def fields_of_later(kind: str) -> tuple[str, ...] | None:
    """Return the fields that types of a later version add, None where they are not listed."""
    return _FIELDS.get(kind)


def _table() -> dict[str, dict[str, str | None]]:
    tables = {"layer type": _LAYERS} | {kind: dict.fromkeys(names) for kind, names in _OTHERS.items()}
    return {kind: {name.lower(): hint for name, hint in names.items()} for kind, names in tables.items()}


_TABLE = _table()


def is_later(kind: str, name: str) -> bool:
    """Whether a type of this kind (``layer type``, ..) comes with a later version."""
    return name.lower() in _TABLE.get(kind, {})


def instead(kind: str, name: str) -> str | None:
    """Return what to write until then, None if nothing does the same."""
    return _TABLE[kind][name.lower()]
