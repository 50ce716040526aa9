"""Data sources: one typed entry a kind, registered by being in this folder.

Nothing here opens a sample or imports NumPy: an entry states tops, shapes and
variables and hands ``runtime.data`` a `Recipe` of what to read.
"""

from __future__ import annotations

import importlib
import pkgutil

from netspec.sources.base import Source

__all__ = ["Source"]

for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")
