"""The Python interface: what ``netspec.NAME`` gives."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from netspec.checking import CheckResult
from netspec.checking import check as check_spec
from netspec.spec.load import Spec
from netspec.spec.load import load_spec as read_spec

if TYPE_CHECKING:
    from netspec.net import Net
    from netspec.reports.inspect import Inspection
    from netspec.training.weights import LoadTable

SpecLike = str | Path | Mapping[str, Any] | Spec
