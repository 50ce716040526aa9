"""``--tune``: ways of convolutions timed on this machine, once, and remembered beside the compiled kernels."""

from __future__ import annotations

import hashlib
import json
import warnings
import zlib
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from compiler.costs import Case
from netspec.trial import Trial
from runtime.cache import CacheWarning, write_whole
from runtime.cpu.cores import thread_count
from runtime.cpu.isa import detect
from runtime.cpu.launch import KERNELS
from runtime.cpu.objects import kernel_cache
from runtime.vector.kernel import Kernel

Table = dict[str, dict[str, float]]
"""Seconds by case and way."""


class Tuner:
    """Answers how long each way of a case takes (``compiler.passes.choose.Measure``).

    What was measured is kept in the kernel cache's folder, in a file whose name
    holds the hash of the CPU, its settings, the number of threads and the source
    of all kernels: a change of any of them measures again. A damaged file counts
    as absent.

    Parameters
    ----------
    device
        As for ``netspec.compile``.
    threads
        As for ``netspec.compile``.
    """

    def __init__(self, device: str = "cpu", threads: int | None = None) -> None:
        self._device, self._threads = device, thread_count(threads)
        self.path = memory_path(self._threads, device)
        self._known: Table = {} if self.path is None else read(self.path)

    def __call__(self, case: Case, ways: tuple[str, ...]) -> Mapping[str, float]:
        """Seconds of each of these ways."""
        key = key_of(case)
        known = self._known.get(key, {})
        if not known.keys() >= set(ways):
            with closing(Trial(case, ways, self._device, self._threads)) as trial:
                self._known[key] = known = trial.seconds()
            if self.path is not None:
                self._known = {**read(self.path), **self._known}  # another process may have measured meanwhile
                write(self.path, self._known)
        return {way: known[way] for way in ways}


def key_of(case: Case) -> str:
    """A case as a line of text."""
    attributes = " ".join(f"{k}={v}" for k, v in vars(case.op).items())
    kept = " fixed" if case.fixed else ""
    return f"{case.op.kind} {attributes} x={case.x} w={case.w} {case.dtype}{kept}"


def memory_path(threads: int, device: str = "cpu") -> Path | None:
    """The file for this machine, number of threads and version of the kernels; None where nothing can be kept."""
    cache = kernel_cache(detect())
    if cache.folder is None:
        return None
    digest = hashlib.sha256(cache.key(Kernel("ways", "")).encode())
    for folder in (KERNELS.parent, KERNELS.parent.with_name("vector"), KERNELS.parent.with_name("portable")):
        for source in sorted(folder.rglob("*.py")):
            digest.update(source.read_bytes())
    digest.update(f"{threads} threads".encode())
    if device != "cpu":  # kernels of their own, whose times say nothing of the CPU's
        for source in sorted(KERNELS.parent.with_name(device.partition(":")[0]).rglob("*.py")):
            digest.update(source.read_bytes())
        digest.update(device.encode())
    return cache.folder / f"ways-{digest.hexdigest()[:32]}.json"


def read(path: Path) -> Table:
    """What a file holds; nothing if it is absent or damaged."""
    try:
        document = json.loads(path.read_bytes())
        table: Table = document["seconds"]
        whole = document["crc32"] == _crc(table) and all(isinstance(found, dict) for found in table.values())
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}
    return table if whole else {}


def write(path: Path, table: Table) -> None:
    """Writes a file so that another process sees the old one or the new one."""
    text = json.dumps({"crc32": _crc(table), "seconds": table}, indent=1, sort_keys=True)
    try:
        write_whole(path, text.encode())
    except OSError as error:
        warnings.warn(f"{path}: what was measured is not kept: {error.strerror}", CacheWarning, stacklevel=2)


def _crc(table: Any) -> int:
    return zlib.crc32(json.dumps(table, sort_keys=True).encode())
