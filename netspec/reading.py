"""The Python interface to specs: ``netspec.load_spec``; numba stays out."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from netspec.spec.load import Spec
from netspec.spec.load import load_spec as read_spec

SpecLike = str | Path | Mapping[str, Any] | Spec


def load_spec(spec: SpecLike, overrides: Mapping[str, Any] | None = None) -> Spec:
    """Reads a spec: a path (a str always is), or a dict of the same form.

    Parameters
    ----------
    spec
        A path, a dict, or what ``load_spec`` returned.
    overrides
        Values by dotted key, as ``--set``: ``{"solver.base_lr": 0.1}``.

    Raises
    ------
    SpecError
        With all diagnostics of the file.
    UsageError
        No such file.
    """
    if isinstance(spec, Spec):
        return spec.override(overrides) if overrides else spec
    return read_spec(spec, overrides or {})
