"""Reading texts as specs in tests, and diagnostics in one line each."""

from __future__ import annotations

from netspec.spec.diagnostics import Diagnostics
from netspec.spec.expressions import substitute
from netspec.spec.marks import Mark
from netspec.spec.nodes import Mapping, Node, Scalar
from netspec.spec.read import read_node, read_text


def reading(text: str) -> tuple[Mapping | None, Diagnostics]:
    """Read a text as a spec called net.yaml."""
    diagnostics = Diagnostics()
    return read_text(text, "net.yaml", diagnostics), diagnostics


def node(text: str) -> Node:
    """Read a text that must be right."""
    diagnostics = Diagnostics()
    found = read_node(text, "net.yaml", diagnostics)
    assert diagnostics.items == []
    assert found is not None
    return found


def said(diagnostics: Diagnostics) -> list[str]:
    """Return ``line:column code message`` of each diagnostic."""
    return [f"{d.mark.line}:{d.mark.column} {d.code} {d.message}" for d in diagnostics.items]


def quoted(text: str) -> Scalar:
    """Return a scalar as a double-quoted text at line 1, column 1."""
    return Scalar(text, True, Mark("net.yaml", 1, 1, len(text) + 3))


def value(expression: str, **env: object) -> object:
    """Return the value of ``${expression}``."""
    return substitute(quoted("${" + expression + "}"), env)
