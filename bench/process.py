"""The other end of ``bench.worker``: starts a contender's process and asks it, with a time limit."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]

LIMIT = 300.0
"""Seconds an answer may take: a first step that compiles for longer is not waited for."""


class ContenderError(Exception):
    """A contender that ended or did not answer in time; the benchmark goes on without it."""


class Worker:
    """A contender's process.

    Parameters
    ----------
    task
        ``train``, ``infer`` or ``sweep``.
    contender
        A name of ``bench.contenders``.
    cores
        CPUs it is pinned to.
    threads
        Threads it computes with; as many as cores unless given.
    more
        The rest of the request: net, batch, dtype, ...

    Raises
    ------
    ContenderError
        If the process ends without an answer or takes longer than ``LIMIT``; its own message is on stderr.
    """

    def __init__(self, task: str, contender: str, cores: list[int], threads: int | None = None, **more: Any) -> None:
        threads = threads or len(cores)
        request = {"task": task, "contender": contender, "threads": threads, "cores": cores, **more}
        count = str(threads)
        environment = {**os.environ, **dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "NETSPEC_THREADS"), count)}
        self.name = contender
        self._buffer = b""
        self._process = subprocess.Popen(
            [sys.executable, "-m", "bench.worker", json.dumps(request)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
            cwd=ROOT,
            start_new_session=True,  # a compiler's helpers end with it
        )
        first = self._answer(LIMIT)
        self.versions: dict[str, str] = first["versions"]
        self.library_bytes: int = first["library_bytes"]

    def ask(self, do: str, **more: Any) -> Any:
        """What the contender answers; see ``bench.worker``."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps({"do": do, **more}).encode() + b"\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            raise ContenderError(f"{self.name} ended with exit code {self._process.wait()}") from None
        return self._answer(LIMIT)

    def steps(self, n: int) -> dict[str, Any]:
        """Makes n steps: ``ms`` and ``values`` of each."""
        found: dict[str, Any] = self.ask("steps", n=n)
        return found

    def close(self) -> None:
        """Ends the process and all it started."""
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            pipe.close()
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        try:
            os.killpg(self._process.pid, signal.SIGKILL)
        except ProcessLookupError:
            return

    def _answer(self, limit: float) -> Any:
        assert self._process.stdout is not None
        until = time.monotonic() + limit
        while b"\n" not in self._buffer:
            ready, _, _ = select.select([self._process.stdout], [], [], max(0.0, until - time.monotonic()))
            if not ready:
                self._process.kill()
                self.close()
                raise ContenderError(f"{self.name} took more than {limit:.0f} s")
            part = os.read(self._process.stdout.fileno(), 1 << 16)
            if not part:
                code = self._process.wait()
                self.close()
                raise ContenderError(f"{self.name} ended with exit code {code}")
            self._buffer += part
        line, _, self._buffer = self._buffer.partition(b"\n")
        return json.loads(line)
