"""The learning-rate policies: ``rate(iteration)`` on the host, one small class each.

Files in this folder register their policy by being imported; there is no
second list. ``make`` gives the policy a solver asks for.
"""

from __future__ import annotations

import importlib
import pkgutil

from netspec.policies.base import Policy, find, make, policy, registered

for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")

__all__ = ["Policy", "find", "make", "policy", "registered"]
