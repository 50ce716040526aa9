"""The layers: one file each, with its fields, its shape rule, its lowering and its documentation.

Files in this folder register their layer by being imported; there is no
second list.
"""

from __future__ import annotations

import importlib
import pkgutil

for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")
