"""The folder of a run: which one, whether it may be used, whether it can be written."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from pathlib import Path

from runtime.errors import StateError
from runtime.snapshot import listed, remove_stale, unfinished

RUNS = Path("runs")
SPEC, LOG, REPORT = "spec.yaml", "log.jsonl", "report.html"


def default_folder(name: str) -> Path:
    """Return ``runs/<name>-<n>`` with the smallest n, from 1, that is not there yet."""
    base, n = RUNS / _slug(name), 1
    while os.path.lexists(f"{base}-{n}"):
        n += 1
    return Path(f"{base}-{n}")


def last_folder(name: str) -> Path | None:
    """Return the folder of the last numbered run of a net, None if there is none."""
    pattern = re.compile(re.escape(_slug(name)) + r"-(\d+)")
    if not os.path.isdir(RUNS):
        return None
    found = [(int(match[1]), path) for path in listed(RUNS) if (match := pattern.fullmatch(path.name))]
    return max(found)[1] if found else None


def check(folder: Path, resuming: bool) -> None:
    """Refuse a folder that a run may not use, before anything is compiled or written.

    Raises
    ------
    StateError
        No folder; not empty, when nothing is resumed; or of something else than a run.
    """
    if "\0" in str(folder):
        raise StateError(f"{str(folder)!r}: no folder can have a NUL in its name")
    if not os.path.lexists(folder):
        return
    if not os.path.isdir(folder):
        raise StateError(f"{folder}: is no folder")
    names = [path.name for path in listed(folder)]
    if not names:
        return
    if not resuming:
        raise StateError(f"{folder}: not empty; take another --output, or go on with --resume auto")
    if not any(name in (SPEC, LOG) or name.startswith("snapshot_") for name in names):
        raise StateError(f"{folder}: not the folder of a run (it holds {', '.join(names[:3])}); take another --output")


def claim(folder: Path) -> None:
    """Make the folder, clear what dead writers left, and prove that it can be written.

    Raises
    ------
    StateError
        With path and errno.
    """
    trial = unfinished(folder / "trial")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        remove_stale(folder)
        trial.write_bytes(b"netspec")
        trial.unlink()
    except OSError as error:
        with suppress(OSError):
            trial.unlink()  # a full disk takes the name and not the bytes
        raise StateError(f"{folder}: cannot be written: {error.strerror} (errno {error.errno})") from error


def write_spec(folder: Path, text: str, resuming: bool) -> None:
    """Write the resolved spec of the run; of two runs that begin here at once, one does.

    Raises
    ------
    StateError
        With path and errno; or the folder was taken meanwhile.
    """
    try:
        with (folder / SPEC).open("w" if resuming else "x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError as error:
        raise StateError(f"{folder}: another run has just begun there; take another --output") from error
    except OSError as error:
        raise StateError(f"{folder / SPEC}: not written: {error.strerror} (errno {error.errno})") from error


def replace(path: Path, data: bytes) -> None:
    """Write a file so that a reader sees the old one, or the new one whole.

    Raises
    ------
    OSError
        It could not be written; nothing is left of the attempt.
    """
    temporary = unfinished(path)
    try:
        temporary.write_bytes(data)
        os.replace(temporary, path)
    except OSError:
        with suppress(OSError):
            temporary.unlink()
        raise


def _slug(name: str) -> str:
    """A net's name as one plain path component."""
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", name).strip("-.") or "net"
