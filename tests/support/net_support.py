"""Specs written as texts in tests: loaded, checked, wired."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from netspec.checking import CheckResult, check
from netspec.graph import Net
from netspec.spec.load import Spec, load_spec

INPUTS = "inputs: {data: [3, 32, 32], label: []}\n"


def spec_of(text: str, **arguments: Any) -> Spec:
    """Load a text as a file; it must be right."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "net.yaml"
        path.write_text(text)
        return load_spec(path, **arguments)


def net_of(text: str, phase: str = "train", **arguments: Any) -> Net:
    """The net of a phase of a text that must be right."""
    return spec_of(text, **arguments).net(phase)


def layers(entries: str, phase: str = "train", head: str = INPUTS) -> Net:
    """The net of entries written one a line (``name: a, type: ReLU``), below `INPUTS`."""
    return net_of(
        head + "layers:\n" + "".join(f"  - {{{line.strip()}}}\n" for line in entries.strip().split("\n")), phase
    )


def checked(text: str, **arguments: Any) -> CheckResult:
    """Check a text as the file net.yaml."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "net.yaml"
        path.write_text(text)
        return check(path, **arguments)


def found(text: str, **arguments: Any) -> list[str]:
    """``line code message`` of each diagnostic of a text."""
    return [f"{d.mark.line} {d.code} {d.message}" for d in checked(text, **arguments).diagnostics]


def wires(net: Net) -> dict[str, list[str]]:
    """Layer name -> ids of its bottoms."""
    return {node.name: list(node.bottom_ids) for node in net.nodes}
