"""Steps of several contenders in turns, and what is kept of them."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from statistics import median
from typing import Any

from bench import machine
from bench.contenders import why_missing
from bench.process import ContenderError, Worker
from bench.ratios import OWN, best, ratio

PAUSE = 0.1
"""Seconds between two contenders' turns: threads of the one before spin for a while before they sleep."""

WAKE_MS = 150.0
"""So long a contender steps before its turn counts: its threads slept, and the scheduler must find each a core."""

TURN_MS, MOST = 100.0, 200
"""A turn of short steps goes on for about so long, with at most so many steps."""


@dataclass
class Row:
    """One row of a table: times in ms a step, memory in bytes.

    Attributes
    ----------
    part
        ``train`` or ``infer``.
    goal
        Ratio to reach, if there is one.
    ms
        Each timed step, by contender.
    first_s
        The first step, compilation included; never among ``ms``.
    values
        What contenders computed, for comparison (losses).
    differences
        Of results, relative, to the first other contender.
    peak_bytes, library_bytes
        Most memory during the timed steps, and with the library loaded alone.
    skipped
        Contenders that did not run, or whose figures do not count, and why.
    facts
        What netspec tells of its step.
    busy
        Share of the machine that others used before the start, 0 to 1.
    """

    part: str
    net: str
    shape: Sequence[int]
    batch: int
    threads: int
    dtype: str = "f32"
    goal: float | None = None
    ms: dict[str, list[float]] = field(default_factory=dict)
    first_s: dict[str, float] = field(default_factory=dict)
    values: dict[str, list[float]] = field(default_factory=dict)
    differences: dict[str, float] = field(default_factory=dict)
    peak_bytes: dict[str, int] = field(default_factory=dict)
    library_bytes: dict[str, int] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)
    busy: float = 0.0
    machine: dict[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """What progress and errors call it."""
        return f"{self.part}-{self.net}-{self.batch}-{self.dtype}-{self.threads}"

    @property
    def counted(self) -> dict[str, list[float]]:
        """Times of the contenders that computed the right thing."""
        return {name: ms for name, ms in self.ms.items() if name not in self.skipped}

    @property
    def reference(self) -> str | None:
        """The best other contender by its median."""
        return best(self.counted, median)

    @property
    def ratio(self) -> float | None:
        """Of medians: above 1, netspec is faster than the best other."""
        return ratio(self.counted, median)

    @property
    def ratio_of_minima(self) -> float | None:
        """Of shortest steps: less disturbed by other processes."""
        return ratio(self.counted, min)

    @property
    def memory_ratio(self) -> float | None:
        """Our peak over the reference's."""
        other = self.peak_bytes.get(self.reference or "")
        return self.peak_bytes[OWN] / other if other and OWN in self.peak_bytes else None

    def share_of_peak(self, peak: float | None) -> float | None:
        """Arithmetic of the shortest step over what the cores reach in a loop of multiply-adds."""
        if not peak or not self.facts or not self.ms.get(OWN):
            return None
        share: float = self.facts["flops"] / (min(self.ms[OWN]) * 1e-3) / peak
        return share

    @property
    def agrees(self) -> bool:
        """Whether netspec computed what the others did."""
        return OWN not in self.skipped

    def judge(self, tolerance: float) -> None:
        """Leaves out the contenders whose results are further than ``tolerance`` from the first other's."""
        for name, far in self.differences.items():
            if not far <= tolerance:
                self.skipped[name] = f"its results differ by {far:.1e}"

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        found = {"ratio": self.ratio, "ratio_of_minima": self.ratio_of_minima, "reference": self.reference}
        return asdict(self) | found

    @classmethod
    def from_dict(cls, record: dict[str, Any]) -> Row:
        """From JSON."""
        names = cls.__dataclass_fields__
        return cls(**{key: value for key, value in record.items() if key in names})


@contextmanager
def started(row: Row, names: Sequence[str], start: Callable[[str], Worker]) -> Iterator[list[Worker]]:
    """The processes of the contenders that can run, each after its first step; noted in the row why one cannot."""
    row.busy = max(row.busy, machine.busy())
    workers = []
    try:
        for name in names:
            print(f"{row.name}: {name}", file=sys.stderr, flush=True)
            worker = _first_step(row, name, start)
            if worker is not None:
                workers.append(worker)
        yield workers
    finally:
        for worker in workers:
            worker.close()


def _first_step(row: Row, name: str, start: Callable[[str], Worker]) -> Worker | None:
    why = why_missing(name)
    if why is None:
        try:
            worker = start(name)
            begun = time.perf_counter()
            row.values[name] = worker.steps(1)["values"]
            if name == OWN and worker.ask("compiled"):  # the compiler stays in memory, which a later process has not
                worker.close()
                worker = start(name)
                begun = time.perf_counter()
                worker.steps(1)
            row.first_s[name] = time.perf_counter() - begun
            row.versions |= worker.versions
            row.library_bytes[name] = worker.library_bytes
            return worker
        except ContenderError as error:
            why = str(error)
    if name == OWN:
        raise ContenderError(f"{row.name}: {why}")
    row.skipped[name] = why
    return None


def race(row: Row, workers: Sequence[Worker], steps: int, rounds: int, warm_up: int = 3) -> None:
    """Times steps in turns, so that a slow minute of the machine hits all contenders alike."""
    each = max(1, -(-steps // rounds))
    running = [worker for worker in workers if _asked(row, worker, _warm, warm_up)]
    for _ in range(rounds):
        for worker in list(running):
            time.sleep(PAUSE)
            if not _asked(row, worker, _turn, each):
                running.remove(worker)
    for worker in running:
        _asked(row, worker, _end, 0)


def _warm(row: Row, worker: Worker, steps: int) -> None:
    worker.steps(steps)  # first touch of memory, PyTorch's primitive cache
    worker.ask("reset_peak")
    row.ms[worker.name] = []


def _turn(row: Row, worker: Worker, steps: int) -> None:
    pace = max(worker.steps(2)["ms"][1], 1e-3)
    waking = round(WAKE_MS / pace)
    if waking:
        worker.steps(waking)
    row.ms[worker.name] += worker.steps(max(steps, min(MOST, round(TURN_MS / pace))))["ms"]


def _end(row: Row, worker: Worker, _: int) -> None:
    row.peak_bytes[worker.name] = worker.ask("peak")
    if worker.name == OWN:
        row.facts = worker.ask("facts")


def _asked(row: Row, worker: Worker, what: Callable[[Row, Worker, int], None], steps: int) -> bool:
    """Does one of the three above; without a contender that ended meanwhile, the others go on."""
    try:
        what(row, worker, steps)
    except ContenderError as error:
        if worker.name == OWN:
            raise
        row.skipped[worker.name] = str(error)
        row.ms.pop(worker.name, None)
        return False
    return True
