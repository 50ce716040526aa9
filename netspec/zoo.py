"""The nets that come with netspec: ``specs/`` of a checkout, ``netspec/zoo/`` of an installation."""

from __future__ import annotations

import re
from pathlib import Path

_HERE = Path(__file__).resolve().parent


def folder() -> Path:
    """The folder of the specs: the installed copy, else the checkout's ``specs``."""
    installed = _HERE / "zoo"
    return installed if installed.is_dir() else _HERE.parent / "specs"


def find(name: str) -> Path | None:
    """The spec of a zoo net, or None if there is none of that name.

    Parameters
    ----------
    name
        A bare name, ``lenet``: no folder, no ``.yaml``.
    """
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,100}", name):
        return None
    path = folder() / f"{name}.yaml"
    return path if path.is_file() else None


def names() -> list[str]:
    """The names of all zoo nets, sorted."""
    return sorted(path.stem for path in folder().glob("*.yaml"))
