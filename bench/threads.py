"""How a step fares with more threads than cores, and beside a busy neighbour."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from bench import machine
from bench.cases import Case
from bench.contenders import why_missing
from bench.process import Worker
from bench.race import PAUSE
from bench.ratios import OWN

GOAL = 1.3
"""At most so many times as slow with twice as many threads as cores."""

CONTENDERS = (OWN, "torch-channels_last")
NETS = ("mlp", "lenet", "cifar10_quick")
"""Many short steps, where threads that wait for each other show."""

SPIN = "while True: pass"


def threads(case: Case, cores: list[int], steps: int, rounds: int) -> dict[str, Any]:
    """The record of one net: ms by contender, threads and neighbours (0 or 1), as ``"netspec 4 1"``."""
    counts = sorted({1, len(cores), 2 * len(cores)})
    names = [name for name in CONTENDERS if why_missing(name) is None]
    record: dict[str, Any] = {"part": "threads", "net": case.name, "cores": len(cores), "busy": machine.busy()}
    print(f"threads-{case.name}", file=sys.stderr, flush=True)
    given = {"net": case.name, "dtype": "f32", "dropout": True}
    workers = {(name, n): Worker("train", name, cores, threads=n, **given) for name in names for n in counts}
    ms: dict[str, list[float]] = {}
    versions: dict[str, str] = {}
    try:
        for worker in workers.values():
            worker.steps(3)
            versions |= worker.versions
        each = max(1, -(-steps // rounds))
        for _ in range(rounds):
            for neighbours in (0, 1):
                with spinning(neighbours, cores):
                    for (name, n), worker in workers.items():
                        time.sleep(PAUSE)
                        found = worker.steps(each + 1)["ms"][1:]
                        ms.setdefault(f"{name} {n} {neighbours}", []).extend(found)
    finally:
        for worker in workers.values():
            worker.close()
    return record | {"ms": ms, "threads": counts, "versions": versions}


@contextmanager
def spinning(count: int, cores: Sequence[int]) -> Iterator[None]:
    """So many processes that never wait, anywhere on these cores."""
    code = f"import os; os.sched_setaffinity(0, {list(cores)})\n{SPIN}"
    busy = [subprocess.Popen([sys.executable, "-c", code]) for _ in range(count)]
    try:
        if busy:
            machine.busy(PAUSE)  # until they run
        yield
    finally:
        for process in busy:
            process.kill()
            process.wait()


def fair(threads: int, cores: int, neighbours: int) -> float:
    """How many times as slow a step may be beside busy neighbours if all threads get the same share of the cores."""
    alone = min(threads, cores)
    share = min(1.0, cores / (threads + neighbours))
    return alone / (threads * share)
