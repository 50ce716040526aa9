"""Loading weights by name into a net, with a table of what happened to each."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
from rich.console import Console
from rich.table import Table
from rich.text import Text

from netspec.spec.render import escaped
from runtime.errors import StateError, UsageError
from runtime.snapshot import load_tensors

LOADABLE = ("param", "running")


class Entry(Protocol):
    """A persistent array of a net."""

    @property
    def role(self) -> str:
        """``param``, ``running``, ``solver``, .."""

    @property
    def view(self) -> Any:
        """Where it lies; has a ``shape``."""


class StatefulNet(Protocol):
    """What loading needs of a compiled net."""

    @property
    def states(self) -> Mapping[str, Any]:
        """Every persistent array by full name."""

    def import_state(self, arrays: Mapping[str, Any]) -> None:
        """Set arrays by name."""


@dataclass(frozen=True, slots=True)
class LoadRow:
    """One name: loaded from the file, only in the file, or only in the net (kept at its filler)."""

    name: str
    shape: tuple[int, ...]
    what: Literal["loaded", "skipped", "kept"]


@dataclass(frozen=True)
class LoadTable:
    """What became of every name of the file and of the net.

    Attributes
    ----------
    path : Path
        The file.
    rows : tuple of LoadRow
        The net's names in execution order, then those only in the file.
    """

    path: Path
    rows: tuple[LoadRow, ...]

    def names(self, what: str) -> list[str]:
        """Return the names of one kind: ``loaded``, ``skipped`` or ``kept``."""
        return [row.name for row in self.rows if row.what == what]

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {"path": str(self.path), **{what: self.names(what) for what in ("loaded", "skipped", "kept")}}

    def print(self, console: Console) -> None:
        """Print the table."""
        words = {
            "loaded": "loaded",
            "skipped": "skipped: not in the net",
            "kept": "kept at its filler: not in the file",
        }
        table = Table("name", "shape", "", title=Text(f"weights of {escaped(str(self.path))}"), title_justify="left")
        for row in self.rows:
            table.add_row(Text(escaped(row.name)), Text(" x ".join(map(str, row.shape)) or "1"), words[row.what])
        console.print(table)


def load_weights(net: StatefulNet, path: str | Path) -> LoadTable:
    """Load parameters and running statistics by name; solver state is left alone.

    Parameters
    ----------
    net : Net
        A compiled net.
    path : str or Path
        A snapshot, what ``net.save`` wrote, or any safetensors file with our names.

    Raises
    ------
    UsageError
        No such file.
    StateError
        The file is damaged, a shape does not fit, or no name is known.
    """
    path = Path(path)
    if not os.path.exists(path):
        raise UsageError(f"{path}: no such file")
    tensors = load_tensors(path)
    wanted = {name: entry.view.shape for name, entry in net.states.items() if entry.role in LOADABLE}
    _check_shapes(path, wanted, tensors)
    known = [name for name in wanted if name in tensors]
    if wanted and not known:
        there = ", ".join(list(tensors)[:3]) or "nothing"
        raise StateError(f"{path}: no name fits: the net has {', '.join(list(wanted)[:3])}, .., the file {there}, ..")
    net.import_state({name: tensors[name] for name in known})
    rows = [LoadRow(name, tuple(shape), "loaded" if name in tensors else "kept") for name, shape in wanted.items()]
    others = [name for name in tensors if name not in wanted and name not in net.states]
    rows += [LoadRow(name, tensors[name].shape, "skipped") for name in _without_solver_state(others, tensors)]
    return LoadTable(path, tuple(rows))


def _check_shapes(path: Path, wanted: Mapping[str, tuple[int, ...]], tensors: Mapping[str, Any]) -> None:
    wrong = [name for name, shape in wanted.items() if name in tensors and tensors[name].shape != tuple(shape)]
    if not wrong:
        return
    lines = [f"  {name}: the file has {list(tensors[name].shape)}, the net {list(wanted[name])}" for name in wrong]
    layers = ", ".join(dict.fromkeys(name.rpartition(".")[0] for name in wrong))
    remedy = f"  leave them out with weights: {{file: {path.name}, except: [{layers}]}}, or rename the layers"
    raise StateError("\n".join([f"{path}: shapes do not fit", *lines, remedy]))


def _without_solver_state(names: Iterable[str], tensors: Mapping[str, Any]) -> list[str]:
    """Names without those below another one (``conv1.weight.momentum``), and without what is no real number."""
    return [
        name
        for name in names
        if not any(name.startswith(f"{other}.") for other in tensors) and np.isrealobj(tensors[name])
    ]
