"""Imports every kernel family of the CPU: each module in this folder that registers a launcher.

Found by the text ``@launcher(`` or ``@tail_maker``, because the modules of the kernels' side
(simd, lanes, ...) must not be imported here: they need numba.
"""

from __future__ import annotations

import importlib
import re
from pathlib import Path

_HERE = Path(__file__).parent
_MAKER = re.compile(r"^ *(@?launcher\(|@tail_maker$)", re.M)

for _path in sorted(_HERE.rglob("*.py")):
    if _path.stem != "families" and _MAKER.search(_path.read_text(encoding="utf-8")):
        importlib.import_module(".".join(("runtime.cpu", *_path.relative_to(_HERE).with_suffix("").parts)))
