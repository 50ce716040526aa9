"""Loading weights by name into a net, with a table of what happened to each."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np
from rich.console import Console
from rich.table import Table
from rich.text import Text

from netspec.graph.weights import locate
from netspec.spec.diagnostics import did_you_mean
from netspec.spec.render import escaped
from runtime.errors import StateError, UsageError
from runtime.snapshot import load_tensors, newest

if TYPE_CHECKING:
    from netspec.spec.load import Spec
    from netspec.spec.weights import WeightsFile

LOADABLE = ("param", "running")

AVERAGE = "average"
"""``<parameter>.average`` is what tests read where the solver averages the weights."""


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
    left_out : frozenset of str
        Names of both that were not to be loaded.
    """

    path: Path
    rows: tuple[LoadRow, ...]
    left_out: frozenset[str] = frozenset()

    def __repr__(self) -> str:
        return f"<LoadTable: {self}>"

    def __str__(self) -> str:
        """One line: how many tensors, and from where."""
        wanted = sum(row.what != "skipped" for row in self.rows)
        return f"loaded {len(self.names('loaded'))} of {wanted} tensors from {escaped(str(self.path))}"

    def names(self, what: str) -> list[str]:
        """Return the names of one kind: ``loaded``, ``skipped`` or ``kept``."""
        return [row.name for row in self.rows if row.what == what]

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {"path": str(self.path), **{what: self.names(what) for what in ("loaded", "skipped", "kept")}}

    def print(self, console: Console) -> None:
        """Print how many were loaded and, where there are any, a table of the others."""
        others = [row for row in self.rows if row.what != "loaded"]
        wanted = sum(row.what != "skipped" for row in self.rows)
        loaded = len(self.rows) - len(others)
        line = f"loaded {loaded} of {wanted} tensors from {escaped(str(self.path))}"
        console.print(line, markup=False, soft_wrap=True)
        if not others:
            return
        table = Table.grid(padding=(0, 2))
        for row in others:
            shape = " x ".join(map(str, row.shape)) or "1"
            table.add_row(Text(f"  {escaped(row.name)}", overflow="fold"), Text(shape), Text(self._why(row)))
        console.print(table)

    def _why(self, row: LoadRow) -> str:
        if row.what == "skipped":
            return "skipped: not in the net"
        return f"kept at its filler: {'left out' if row.name in self.left_out else 'not in the file'}"


def load_section(net: StatefulNet, spec: Spec, leave_out: Collection[str] = ()) -> list[LoadTable]:
    """Load what the ``weights`` section of a spec names; nothing where there is none.

    Parameters
    ----------
    leave_out : collection of str
        Further names to leave out, in full.

    Raises
    ------
    UsageError, StateError
        As `load_weights`.
    """
    files = [(locate(spec, entry), entry) for entry in spec.weights]
    return [load_weights(net, path, {*entry.leave_out, *leave_out}, entry) for path, entry in files]


def load_weights(
    net: StatefulNet, path: str | Path, leave_out: Collection[str] = (), written: WeightsFile | None = None
) -> LoadTable:
    """Load parameters, their averages and running statistics by name; solver state is left alone.

    Where the net has averages of its parameters and the file has none, they begin as the parameters.

    Parameters
    ----------
    net : Net
        A compiled net.
    path : str or Path
        A snapshot, what ``net.save`` wrote, any safetensors file with our names, or the folder of a run: its newest.
    leave_out : collection of str
        Layers, instances or single parameters, by full names, that keep what their fillers gave (``--except``).
    written : WeightsFile, optional
        What a spec says of the file: of an instance's file the names are those inside.

    Raises
    ------
    UsageError
        No such file, or a name in ``leave_out`` that the net does not have.
    StateError
        The file is damaged, a shape does not fit, or no name is known.
    """
    path = Path(path)
    if not os.path.exists(path):
        raise UsageError(f"{path}: no such file")
    if os.path.isdir(path):
        path = _newest_of(path)
    prefix = "" if written is None else written.prefix
    inside = f"{prefix}/" if prefix else ""
    tensors = {inside + name: array for name, array in load_tensors(path).items()}
    loadable = {name: entry.view.shape for name, entry in net.states.items() if entry.role in LOADABLE}
    wanted = {name: shape for name, shape in loadable.items() if name.startswith(inside)}
    left_out = _left_out(loadable, leave_out, written is not None) & tensors.keys()
    shapes = wanted | {f"{name}.{AVERAGE}": shape for name, shape in wanted.items()}
    every, tensors = tensors, {n: _folded(a, shapes.get(n)) for n, a in tensors.items() if n not in left_out}
    _check_shapes(path, wanted, tensors, written)
    known = [name for name in wanted if name in tensors]
    if wanted and not known and not left_out:
        names = sorted(_without_solver_state(tensors, every))
        there, here = (", ".join(n.removeprefix(inside) for n in list(some)[:3]) for some in (names, wanted))
        whose = f"`{prefix}`" if prefix else "the net"
        remedy = "" if written is not None else _instance_hint(path, wanted, names)
        raise StateError(f"{path}: no name fits: {whose} has {here}, .., the file {there or 'nothing'}, ..{remedy}")
    averages = {f"{name}.{AVERAGE}": tensors.get(f"{name}.{AVERAGE}", tensors[name]) for name in known}
    net.import_state({name: tensors[name] for name in known} | {n: a for n, a in averages.items() if n in net.states})
    rows = [LoadRow(name, tuple(shape), "loaded" if name in tensors else "kept") for name, shape in wanted.items()]
    # what a recurrent layer carries has its phase and batch in its name, but for training's
    known_to_net = {name.partition("@")[0] for name in net.states}
    others = [name for name in tensors if name not in wanted and name not in known_to_net]
    rows += [LoadRow(name.removeprefix(inside), tensors[name].shape, "skipped")
             for name in _without_solver_state(others, every)]  # fmt: skip
    return LoadTable(path, tuple(rows), frozenset(left_out))


def _newest_of(run: Path) -> Path:
    found = newest(run)
    if found is None:
        raise UsageError(f"{run}: has no snapshot; --weights takes a file, or the folder of a run with one")
    return found[0]


def _instance_hint(path: Path, wanted: Collection[str], names: Collection[str]) -> str:
    """What to write where a file holds the weights of one block instance; empty where it does not."""
    instances = dict.fromkeys(name[:k] for name in wanted for k, letter in enumerate(name) if letter == "/")
    for instance in instances:
        if names and all(f"{instance}/{name}" in wanted for name in names):
            return (
                f"; they are those of the block `{instance}`: in the spec, weights: {{{instance}: {path.absolute()}}}"
            )
    return ""


def _left_out(wanted: Collection[str], names: Collection[str], section: bool) -> set[str]:
    """The parameters that names of layers, of block instances and of parameters stand for."""
    found: set[str] = set()
    for name in names:
        mine = {own for own in wanted if name in (own, own.rpartition(".")[0]) or own.startswith(f"{name}/")}
        if not mine:
            layers = dict.fromkeys(own.rpartition(".")[0] for own in wanted)
            hint = did_you_mean(name, [*layers, *wanted]) or f"layers with parameters: {', '.join(layers)}"
            option = "weights: except:" if section else "--except"
            raise UsageError(f"{option} {name}: no layer or parameter of the net ({hint})")
        found |= mine
    return found


def _folded(array: Any, shape: tuple[int, ...] | None) -> Any:
    """The rows of a matrix as kernels, or kernels as rows, where the numbers are the same.

    An InnerProduct over a map of C x H x W and a Convolution with a kernel of H x W on it have the same weights.
    """
    if shape is None or min(array.ndim, len(shape)) != 2:
        return array
    alike = array.shape[0] == shape[0] and array.size == prod(shape)
    return array.reshape(shape) if alike else array


def _check_shapes(
    path: Path, wanted: Mapping[str, tuple[int, ...]], tensors: Mapping[str, Any], written: WeightsFile | None
) -> None:
    """Refuse shapes that do not fit; ``written`` is None for the file of --weights."""
    wrong = [name for name, shape in wanted.items() if name in tensors and tensors[name].shape != tuple(shape)]
    if not wrong:
        return
    lines = [f"  {name}: the file has {list(tensors[name].shape)}, the net {list(wanted[name])}" for name in wrong]
    layers = list(dict.fromkeys(name.rpartition(".")[0] for name in wrong))
    if written is None:
        remedy = f"with {' '.join(f'--except {layer}' for layer in layers)}"
    else:
        inside = f"{written.prefix}/" if written.prefix else ""
        named = ", ".join(name.removeprefix(inside) for name in dict.fromkeys((*written.leave_out, *layers)))
        remedy = f"in the spec: {{file: {written.file}, except: [{named}]}}"
    raise StateError("\n".join([f"{path}: shapes do not fit", *lines,
                                f"  leave them out {remedy}: they begin as their fillers say"]))  # fmt: skip


def _without_solver_state(names: Iterable[str], tensors: Mapping[str, Any]) -> list[str]:
    """Names without those below another one (``conv1.weight.momentum``), and without what is no real number."""
    return [
        name
        for name in names
        if not name.startswith("solver.")
        and not any(name.startswith(f"{other}.") for other in tensors)
        and np.isrealobj(tensors[name])
    ]
