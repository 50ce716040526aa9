"""The primitives: for each, in one file, its shape rule, gradient and cost.

``rule(prim)`` finds the rule of a primitive. Files in this folder register
their rules by being imported; there is no second list.
"""

from __future__ import annotations

import importlib
import pkgutil

from compiler.primitives.registry import Rule, register, rule

for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")

__all__ = ["Rule", "register", "rule"]
