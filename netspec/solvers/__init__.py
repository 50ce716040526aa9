"""The solvers: how a gradient changes a parameter, one small class each.

Files in this folder register their solver by being imported; there is no
second list.
"""

from __future__ import annotations

import importlib
import pkgutil

for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")
