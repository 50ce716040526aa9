"""``report.html`` in a run's folder: made again while the log grows, whole or not at all."""

from __future__ import annotations

import json
import platform
import shlex
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from netspec import __version__
from netspec.graph.net import blob_name
from netspec.net import Net
from netspec.reports.devices import devices
from netspec.reports.history import History, add
from netspec.reports.inspect import inspect_net
from netspec.reports.run import RunFacts, page
from netspec.training import folder
from runtime.cpu.cores import thread_count
from runtime.errors import NetspecError

_SHARE = 20
"""While training goes on, a page waits until so many times as long has passed as the last one took."""

_LIBRARIES = ("numpy", "numba", "llvmlite")


class RunReport:
    """Writes the page of one run.

    Parameters
    ----------
    output : Path
        The run's folder.
    facts : callable
        Called once, before the first page.
    warn : callable
        Told why a page could not be written; training goes on.
    """

    def __init__(self, output: Path, facts: Callable[[], RunFacts], warn: Callable[[str], None]) -> None:
        self._path, self._log = output / folder.REPORT, output / folder.LOG
        self._make_facts, self._warn = facts, warn
        self._facts: RunFacts | None = None
        self._history, self._read = History(), 0
        self._next = 0.0
        self._works = True

    def __call__(self) -> None:
        """Write the page, unless pages would take a good part of the time."""
        if time.monotonic() >= self._next:
            self.write()

    def write(self) -> None:
        """Write the page of the log as it is now; a full disk costs the page, never the training."""
        try:
            self._facts = self._facts or self._make_facts()
            start = time.monotonic()
            for event in self._new_events():
                add(self._history, event)
            folder.replace(self._path, page(self._history, self._facts).encode("utf-8", "replace"))
            now = time.monotonic()
            self._next = now + _SHARE * (now - start)
            self._works = True
        except (OSError, NetspecError) as error:
            if self._works:
                reason = f"{error.strerror} (errno {error.errno})" if isinstance(error, OSError) else str(error)
                self._warn(f"{folder.REPORT}: {reason}; training goes on")
            self._works = False

    def _new_events(self) -> Iterator[Any]:
        """The lines since the last page; one that a crash cut off is passed over."""
        with self._log.open("rb") as file:
            file.seek(self._read)
            for line in file:
                self._read += len(line)
                try:
                    yield json.loads(line)
                except (ValueError, RecursionError):
                    continue


def facts_of(net: Net, tests: Sequence[Net], output: Path, spec_sha256: str, stop_at: int, resume: str) -> RunFacts:
    """What the page tells of a run besides its log.

    Parameters
    ----------
    net, tests
        The compiled net of phase train and those of the tests.
    spec_sha256
        As snapshots hold it.
    stop_at
        Updates that were asked for.
    resume
        The command that goes on.
    """
    spec = net.spec
    solver = spec.solver
    assert solver is not None
    micro = f", {solver.iter_size} batches an update" if solver.iter_size > 1 else ""
    facts = [
        ("folder", str(output)),
        ("spec", "from Python" if spec.path is None else str(spec.path)),
        ("hash", f"{spec_sha256} (of the resolved spec and the batch size)"),
        ("began", datetime.now().astimezone().strftime("%Y-%m-%d %H:%M %z")),
        ("iterations", f"{stop_at:,}"),
        ("batch", f"{net.batch_size}{micro}"),
        ("seed", str(net.seed)),
        ("device", _device(net)),
        ("versions", _versions()),
    ]
    return RunFacts(
        name=spec.name,
        facts=facts,
        resume=resume,
        test=shlex.join(["netspec", "test", str(output / folder.SPEC), "--weights"]) if tests else "",
        inspection=inspect_net(net.resolved),
        losses=frozenset(blob_name(top) for each in (net, *tests) for top, _ in each.resolved.losses()),
        class_names={name: source.class_names for name, source in spec.data.items() if source is not None},
        spec=spec.resolved(),
    )


def _device(net: Net) -> str:
    threads = thread_count() if net.threads is None else net.threads
    model = next((device.model for device in devices() if device.name == net.device), "")
    count = f", {threads} thread{'s' if threads > 1 else ''}" if net.device == "cpu" else ""
    return f"{net.device}{count}{f' ({model})' if model else ''}"


def _versions() -> str:
    libraries = [f"{name} {metadata.version(name)}" for name in _LIBRARIES]
    return ", ".join([f"netspec {__version__}", f"Python {platform.python_version()}", *libraries, platform.platform()])
