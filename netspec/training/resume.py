"""Which snapshot a run goes on from, and putting it back to the bit."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from netspec.training import folder
from runtime.errors import StateError, UsageError
from runtime.snapshot import Snapshot, load, newest

AUTO = "auto"


@dataclass(frozen=True, kw_only=True)
class Start:
    """Where a run begins.

    Attributes
    ----------
    output : Path
        The run's folder.
    snapshot : Snapshot or None
        What it goes on from.
    path : Path or None
        The file of ``snapshot``.
    resuming : bool
        Whether ``--resume`` was given, so that the folder need not be empty.
    notes : tuple of str
        Damaged snapshots that were passed over.
    """

    output: Path
    snapshot: Snapshot | None = None
    path: Path | None = None
    resuming: bool = False
    notes: tuple[str, ...] = ()


def find_start(name: str, output: str | Path | None, resume: str | Path | None) -> Start:
    """Return the folder and the snapshot that ``--output`` and ``--resume`` ask for.

    ``auto`` takes the newest snapshot of the output folder that verifies, or starts afresh
    without one; without an output it looks in the last run of the net.

    Raises
    ------
    UsageError
        No such file or folder.
    StateError
        Damaged, or a folder without a snapshot.
    """
    chosen = None if output is None else Path(output)
    if resume is None:
        return Start(output=chosen or folder.default_folder(name))
    if str(resume) == AUTO:
        return _from_folder(chosen or folder.last_folder(name) or folder.default_folder(name), None)
    path = Path(resume)
    if not os.path.exists(path):
        raise UsageError(f"--resume {path}: no such file or folder")
    if os.path.isdir(path):
        start = _from_folder(path, chosen)
        if start.snapshot is None:
            raise StateError(f"{path}: no snapshot to resume from")
        return start
    return Start(output=chosen or path.parent, snapshot=load(path), path=path, resuming=True)


def _from_folder(source: Path, output: Path | None) -> Start:
    found = newest(source) if os.path.isdir(source) else None
    if found is None:
        return Start(output=output or source, resuming=True)
    path, snapshot, passed_over = found
    return Start(output=output or source, snapshot=snapshot, path=path, resuming=True, notes=tuple(passed_over))


def seed_of(start: Start, seed: int | None, default: int) -> int:
    """Return the run's seed: the snapshot's, else the one asked for, else the solver's.

    Raises
    ------
    UsageError
        Another seed than the snapshot's is asked for: the run could not go on as it began.
    """
    if start.snapshot is None:
        return default if seed is None else seed
    if seed is not None and seed != start.snapshot.seed:
        raise UsageError(f"--seed {seed}: the run of {start.path} began with seed {start.snapshot.seed}; leave it out")
    return start.snapshot.seed


def check_fits(path: Path, snapshot: Snapshot, states: Mapping[str, Any]) -> None:
    """Refuse a snapshot of another net.

    Parameters
    ----------
    path : Path
        The file, for the message.
    snapshot : Snapshot
        What is to be restored.
    states : mapping
        The net's persistent arrays by name, each with ``view.shape``.

    Raises
    ------
    StateError
        Names the first array that is missing, surplus or of another shape.
    """
    remedy = "--weights begins a new run with it, --except NAME leaves out what does not fit"
    for name, entry in states.items():
        if name not in snapshot.tensors:
            raise StateError(f"{path}: is of another net: it has no {name}; {remedy}")
        got, expected = list(snapshot.tensors[name].shape), list(entry.view.shape)
        if got != expected:
            raise StateError(f"{path}: is of another net: {name} is {got}, here {expected}; {remedy}")
    surplus = [name for name in snapshot.tensors if name not in states]
    if surplus:
        raise StateError(f"{path}: is of another net: it has {surplus[0]}, this one does not; {remedy}")
