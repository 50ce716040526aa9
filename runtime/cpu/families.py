"""Imports every kernel family of the CPU, which registers its launcher."""

from __future__ import annotations

import importlib
import pkgutil

import runtime.cpu as package

NUMBA_SIDE = frozenset({"simd", "vmath", "lanes", "atomics", "build", "words", "tile", "micro"})
"""Modules of the kernels' side, which import numba: never imported here."""

EXECUTOR_SIDE = frozenset({"executor", "families", "team", "kernels"})

for _module in pkgutil.iter_modules(package.__path__):
    if _module.name not in NUMBA_SIDE | EXECUTOR_SIDE:
        importlib.import_module(f"{package.__name__}.{_module.name}")
