"""Bytes that an installation takes: a distribution and all it requires."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from bench.process import ROOT

PACKAGES = ("netspec", "compiler", "runtime", "specs")


def size() -> dict[str, Any]:
    """The record: bytes by distribution of netspec (this checkout) and of PyTorch, each with what it requires.

    A library that another runtime needs is counted for each of them.
    """
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    record: dict[str, Any] = {"part": "size", "netspec": {"netspec": own_bytes()}}
    record["netspec"] |= installed_bytes(project["dependencies"])
    for name in ("torch", "onnxruntime"):
        if _found(name):
            record[name] = installed_bytes([name])
    return record


def own_bytes() -> int:
    """Of the packages of this checkout, without compiled caches."""
    files = (path for name in PACKAGES for path in (ROOT / name).rglob("*"))
    return sum(path.stat().st_size for path in files if path.is_file() and "__pycache__" not in path.parts)


def installed_bytes(requirements: Iterable[str]) -> dict[str, int]:
    """Bytes by distribution of these requirements and theirs, as far as installed."""
    found: dict[str, int] = {}
    todo = list(requirements)
    while todo:
        wanted = Requirement(todo.pop())
        name = canonicalize_name(wanted.name)
        if name in found or (wanted.marker is not None and not wanted.marker.evaluate({"extra": ""})):
            continue
        if _found(name):
            found[name] = sum(_file_bytes(name))
            todo += distribution(name).requires or []
    return found


def _file_bytes(name: str) -> Iterable[int]:
    for file in distribution(name).files or []:
        path = Path(str(file.locate()))
        if path.is_file() and path.suffix != ".pyc":
            yield path.stat().st_size


def _found(name: str) -> bool:
    try:
        distribution(name)
    except PackageNotFoundError:
        return False
    return True
