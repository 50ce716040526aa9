"""Imports every kernel family of CUDA: each module in this folder that registers a launcher."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

_HERE = Path(__file__).parent
_MAKER = re.compile(r"^ *@?launcher\(", re.M)

for _path in sorted(_HERE.glob("*.py")):
    if _path.stem != "families" and _MAKER.search(_path.read_text(encoding="utf-8")):
        importlib.import_module(f"runtime.cuda.{_path.stem}")
