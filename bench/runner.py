"""Runs the contenders side by side: interleaved rounds, pinned to the same cores."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from bench.cases import Case

CHECK_STEPS = 5
LOSS_TOLERANCE = 1e-3
"""Relative; both sides sum in float32 in different orders, and five updates amplify that."""


class Worker:
    """A contender's process.

    Raises
    ------
    RuntimeError
        If the process ends without an answer; its own message is on stderr.
    """

    def __init__(self, contender: str, case: Case, threads: int, cores: list[int], dropout: bool) -> None:
        wanted = {"contender": contender, "case": case.name, "threads": threads, "cores": cores, "dropout": dropout}
        environment = {**os.environ, "OMP_NUM_THREADS": str(threads), "NETSPEC_THREADS": str(threads)}
        self.name = contender
        self._process = subprocess.Popen(
            [sys.executable, "-m", "bench.worker", json.dumps(wanted)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )
        self.versions: dict[str, str] = self._answer()["versions"]

    def steps(self, n: int) -> dict[str, Any]:
        """Makes n steps: ``ms`` and ``losses`` of each, ``peak_bytes`` of the process."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"steps": n}) + "\n")
        self._process.stdin.flush()
        return self._answer()

    def close(self) -> None:
        """Ends the process."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(timeout=60)

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self.name} ended with exit code {self._process.wait()}")
        found: dict[str, Any] = json.loads(line)
        return found


@dataclass
class Result:
    """What one case came to; times in ms a step, memory in bytes."""

    case: str
    batch: int
    threads: int
    ms: dict[str, list[float]] = field(default_factory=dict)
    losses: dict[str, list[float]] = field(default_factory=dict)
    peak_bytes: dict[str, int] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)

    @property
    def best_torch(self) -> str | None:
        """PyTorch's contender with the lowest median, if one ran."""
        others = [name for name in self.ms if name.startswith("torch")]
        return min(others, key=lambda name: median(self.ms[name]), default=None)

    @property
    def ratio(self) -> float | None:
        """Median of PyTorch's best over the median of netspec: above 1, netspec is faster."""
        if self.best_torch is None or "netspec" not in self.ms:
            return None
        return median(self.ms[self.best_torch]) / median(self.ms["netspec"])

    @property
    def ratio_of_minima(self) -> float | None:
        """The same of the shortest steps: less disturbed by other processes."""
        others = [min(ms) for name, ms in self.ms.items() if name.startswith("torch")]
        return min(others) / min(self.ms["netspec"]) if others and "netspec" in self.ms else None

    @property
    def loss_difference(self) -> float | None:
        """Largest relative difference between netspec's losses and another's."""
        own = self.losses.get("netspec")
        if own is None:
            return None
        others = [theirs for name, theirs in self.losses.items() if name != "netspec"]
        pairs = [pair for theirs in others for pair in zip(own, theirs, strict=True)]
        return max((abs(a - b) / max(abs(b), 1e-30) for a, b in pairs), default=0.0)

    @property
    def agrees(self) -> bool:
        """Whether all contenders compute the same thing."""
        return self.loss_difference is None or self.loss_difference <= LOSS_TOLERANCE

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        times = {name: {"min": min(ms), "median": median(ms), "steps": len(ms)} for name, ms in self.ms.items()}
        return {
            "case": self.case,
            "batch": self.batch,
            "threads": self.threads,
            "ms": times,
            "ratio": self.ratio,
            "ratio_of_minima": self.ratio_of_minima,
            "best_torch": self.best_torch,
            "peak_bytes": self.peak_bytes,
            "losses": self.losses,
            "loss_difference": self.loss_difference,
            "agrees": self.agrees,
            "versions": self.versions,
        }


def compare_losses(result: Result, case: Case, contenders: list[str], cores: list[int]) -> None:
    """First losses of each contender, without dropout (its masks differ between the two)."""
    for name in contenders:
        worker = Worker(name, case, result.threads, cores, dropout=False)
        result.losses[name] = worker.steps(CHECK_STEPS)["losses"]
        worker.close()


def measure(result: Result, case: Case, contenders: list[str], cores: list[int], steps: int, rounds: int) -> None:
    """Times steps in turns, so that a slow minute of the machine hits all contenders alike."""
    workers = [Worker(name, case, result.threads, cores, dropout=True) for name in contenders]
    for worker in workers:
        worker.steps(3)  # warm-up: first touch of memory, kernels, PyTorch's primitive cache
        result.ms[worker.name] = []
        result.versions |= worker.versions
    each = max(1, -(-steps // rounds))
    for _ in range(rounds):
        for worker in workers:
            time.sleep(0.05)  # the one before goes to sleep first
            answer = worker.steps(each + 1)
            result.ms[worker.name] += answer["ms"][1:]  # the first one wakes the threads
            result.peak_bytes[worker.name] = answer["peak_bytes"]
    for worker in workers:
        worker.close()


def run(case: Case, contenders: list[str], cores: list[int], steps: int, rounds: int) -> Result:
    """One case: losses compared, then timed.

    Parameters
    ----------
    cores
        CPUs that every contender is pinned to, with as many threads.
    steps
        At least so many timed steps a contender.
    rounds
        Turns they are divided into.
    """
    result = Result(case.name, case.batch, len(cores))
    compare_losses(result, case, contenders, cores)
    measure(result, case, contenders, cores, steps, rounds)
    return result
