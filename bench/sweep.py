"""Random convolutions, forward and backward, against PyTorch's best layout."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from typing import Any

from bench import machine
from bench.contenders import why_missing
from bench.process import Worker
from bench.ratios import OWN, geometric_mean, ratio
from bench.sweep_cases import ConvCase, sweep_cases
from bench.sweep_data import apart

CONTENDERS = (OWN, "torch-nchw", "torch-channels_last")
GOAL, LEAST = 1.5, 0.8
"""Geometric mean of all ratios, and what no case may be under."""

TOLERANCE = 2e-3
"""Of the root mean square: each side may be 1e-3 off (Winograd, DESIGN.md section 6)."""

ROUNDS = 5
PAUSE = 0.01
"""Seconds between two contenders' turns: threads of the one before spin for a while before they sleep."""
ROUND_MS = 60.0
"""A turn repeats a short step for about so long."""


def sweep(cores: list[int], count: int = 100, seed: int = 0) -> dict[str, Any]:
    """The record of ``count`` cases: for each its times, the ratio of minima and the ways netspec took."""
    names = [name for name in CONTENDERS if why_missing(name) is None]
    record: dict[str, Any] = {"part": "sweep", "seed": seed, "threads": len(cores), "busy": machine.busy()}
    workers = [Worker("sweep", name, cores) for name in names]
    try:
        rows = []
        for case in sweep_cases(count, seed):
            rows.append(measure(case, workers))
            found = rows[-1]["ratio"]
            print(f"{case.index + 1}/{count} {case}: {found if found is None else round(found, 2)}", file=sys.stderr)
    finally:
        for worker in workers:
            worker.close()
    record["versions"] = {key: value for worker in workers for key, value in worker.versions.items()}
    return record | {"cases": rows} | summary(rows)


def measure(case: ConvCase, workers: Sequence[Worker]) -> dict[str, Any]:
    """One case in turns: ``ms`` by contender, ``ratio``, ``ways``, ``difference``."""
    samples, ms, ways = {}, {}, {}
    each = {}
    for worker in workers:
        found = worker.ask("load", case=case.to_dict())
        ways = found if worker.name == OWN else ways
        warm = worker.steps(2)["ms"][1]
        each[worker.name] = max(1, min(20, round(ROUND_MS / warm)))
        samples[worker.name] = worker.ask("result")
        ms[worker.name] = []
    for _ in range(ROUNDS):
        for worker in workers:
            time.sleep(PAUSE)
            ms[worker.name] += worker.steps(each[worker.name] + 1)["ms"][1:]
    others = [name for name in samples if name != OWN]
    return {
        "case": case.to_dict(),
        "text": str(case),
        "kind": case.kind,
        "gflop": 3 * case.flops / 1e9,
        "ways": ways,
        "ms": {name: min(times) for name, times in ms.items()},
        "ratio": ratio(ms, min),
        "difference": apart(samples[OWN], samples[others[0]]) if others else 0.0,
    }


def summary(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Geometric mean over all and over each kind, number of cases under ``LEAST`` and of those that disagree."""
    ratios = [row["ratio"] for row in rows if row["ratio"] is not None]
    kinds = sorted({row["kind"] for row in rows})
    by_kind = {k: [row["ratio"] for row in rows if row["kind"] == k and row["ratio"] is not None] for k in kinds}
    return {
        "geometric_mean": geometric_mean(ratios) if ratios else None,
        "by_kind": {k: [len(found), geometric_mean(found)] for k, found in by_kind.items() if found},
        "under_least": sum(x < LEAST for x in ratios),
        "disagree": sum(not row["difference"] <= TOLERANCE for row in rows),
    }
