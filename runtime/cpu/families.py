"""Imports every kernel family of the CPU: each module of this folder that registers a launcher.

Found by the text ``@launcher(``, because the modules of the kernels' side
(simd, lanes, ...) must not be imported here: they need numba.
"""

from __future__ import annotations

import importlib
from pathlib import Path

for _path in sorted(Path(__file__).parent.glob("*.py")):
    if _path.stem != "families" and "\n@launcher(" in _path.read_text(encoding="utf-8"):
        importlib.import_module(f"runtime.cpu.{_path.stem}")
