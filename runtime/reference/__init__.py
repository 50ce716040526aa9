"""The reference: what each primitive means, in plain NumPy.

``evaluate(prim, context, operands)`` runs one primitive. Files in this folder
register their meanings by being imported; there is no second list. The
reference shares no code with the compiler or the kernels and is their oracle.
"""

from __future__ import annotations

import importlib
import pkgutil

from runtime.reference.registry import Context, NotFinite, evaluate, reference

for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")

__all__ = ["Context", "NotFinite", "evaluate", "reference"]
