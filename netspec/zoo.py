"""The nets that come with netspec: ``specs/`` of a checkout, ``netspec/zoo/`` of an installation.

What a list of them tells is read from one file, ``index.json``, which
``docs/generate_zoo.py`` writes and a test compares with the nets: listing
compiles nothing.
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

_HERE = Path(__file__).resolve().parent

INDEX = "index.json"


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A net of the zoo.

    Attributes
    ----------
    name : str
        The bare name that commands take.
    title : str
        What its file's comment says it is.
    task : str
        ``classification``, ``regression``, ..
    input : tuple of int or None
        One item of its first input; None where the spec itself holds the picture.
    params, learnable_params : int
        Elements of all parameters, and of those that a solver changes.
    flops_forward : int
        Arithmetic operations of one item.
    """

    name: str
    title: str
    task: str
    input: tuple[int, ...] | None
    params: int
    learnable_params: int
    flops_forward: int

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {**asdict(self), "input": None if self.input is None else list(self.input)}


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


def entries() -> list[Entry]:
    """All zoo nets, sorted by task and name, as ``index.json`` has them."""
    rows = json.loads((folder() / INDEX).read_text(encoding="utf-8"))
    made = [Entry(**{**row, "input": None if row["input"] is None else tuple(row["input"])}) for row in rows]
    return sorted(made, key=lambda entry: (entry.task, entry.name))


def companions(text: str) -> list[Path]:
    """Files of the zoo, no specs, that a spec's text names: tables and pictures that belong to it."""
    others = (path for path in sorted(folder().iterdir()) if path.suffix in (".csv", ".png"))
    return [path for path in others if re.search(rf"(?<![\w.-]){re.escape(path.name)}(?![\w.-])", text)]
