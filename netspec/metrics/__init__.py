"""The metrics: how the batches of a test become one figure, one small class each.

Files in this folder register their metric by being imported; there is no
second list. A layer names one in `Layer.metric`.
"""

from __future__ import annotations

import importlib
import pkgutil

for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")
