"""netspec installs three packages; this makes sure the other two are its own."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path


def check_siblings() -> None:
    """Raises ImportError naming the file in the way if ``compiler`` or ``runtime`` is someone else's."""
    home = Path(__file__).resolve().parent.parent
    for name in ("compiler", "runtime"):
        found = find_spec(name)
        place = Path(found.origin).resolve().parent if found is not None and found.origin else None
        if place != home / name:
            where = f"found {place}" if place else "found none"
            raise ImportError(
                f"netspec needs its own package {name!r} at {home / name}, but {where}: "
                f"rename or move what is in the way, or start Python in another folder"
            )
