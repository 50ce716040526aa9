"""netspec: declarative nets in YAML, compiled to one fused plan.

>>> net = netspec.compile("specs/lenet.yaml", phase="train")
>>> net.step()

Everything here is imported at first use, so that ``import netspec`` and the
commands that only read specs stay fast.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from netspec._siblings import check_siblings

if TYPE_CHECKING:
    from netspec.checking import check
    from netspec.reading import load_spec
    from netspec.reports.inspect import inspect
    from netspec.running import compile, load_weights
    from netspec.spec.diagnostics import SpecError
    from netspec.training.trainer import Trainer
    from runtime.errors import DataError, NetspecError, NumericError, ResourceError, StateError, UsageError

__version__ = "0.1.0"

_WHERE = {
    "check": "netspec.checking",
    "load_spec": "netspec.reading",
    **dict.fromkeys(("compile", "load_weights"), "netspec.running"),
    "inspect": "netspec.reports.inspect",
    **dict.fromkeys(
        ("DataError", "NetspecError", "NumericError", "ResourceError", "StateError", "UsageError"), "runtime.errors"
    ),
    "SpecError": "netspec.spec.diagnostics",
    "Trainer": "netspec.training.trainer",
}

__all__ = [
    "DataError",
    "NetspecError",
    "NumericError",
    "ResourceError",
    "SpecError",
    "StateError",
    "Trainer",
    "UsageError",
    "check",
    "compile",
    "inspect",
    "load_spec",
    "load_weights",
]

check_siblings()


def __getattr__(name: str) -> Any:
    where = _WHERE.get(name)
    if where is None:
        raise AttributeError(f"module 'netspec' has no attribute {name!r}")
    return getattr(importlib.import_module(where), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_WHERE])
