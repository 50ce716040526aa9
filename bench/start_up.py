"""Seconds from process start to the end of the first training step, with cold and warm kernel cache."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from statistics import median
from typing import Any

from bench import machine
from bench.contenders import why_missing
from bench.process import ROOT, ContenderError
from bench.ratios import OWN

COLD_GOAL, WARM_GOAL = 15.0, 1.5
"""Seconds; the warm one does not count the step itself."""


def first_step(contender: str, net: str, cores: list[int], environment: Mapping[str, str] = {}) -> tuple[float, float]:
    """Seconds until the first step is over, and of a later step.

    Raises
    ------
    ContenderError
        If the process fails; its own message is on stderr.
    """
    count = str(len(cores))
    everything = {**os.environ, "OMP_NUM_THREADS": count, "MKL_NUM_THREADS": count, **environment}
    usable = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)  # what the child inherits: it must not spend its first second on this
    start = time.perf_counter()
    try:
        process = subprocess.Popen(
            [sys.executable, "-m", "bench.first_step", contender, net, count],
            stdout=subprocess.PIPE,
            text=True,
            env=everything,
            cwd=ROOT,
        )
    finally:
        os.sched_setaffinity(0, usable)
    with process:
        assert process.stdout is not None
        line = process.stdout.readline()
        seconds = time.perf_counter() - start
        rest = process.stdout.read()
    if line != "stepped\n" or process.returncode:
        raise ContenderError(f"the first step of {net} by {contender} failed with exit code {process.returncode}")
    return seconds, float(rest)


def start_up(net: str, cores: list[int], repeats: int = 3) -> dict[str, Any]:
    """The record of one net.

    ``cold_s`` (an empty kernel cache), each of ``warm_s``, ``step_s`` (a later
    step), ``kernels`` and ``cache_bytes`` that the cold start left, and
    ``torch_s`` (PyTorch eager, warm file cache) where it is installed.
    """
    record: dict[str, Any] = {"part": "start", "net": net, "threads": len(cores), "busy": machine.busy()}
    print(f"start-{net}", file=sys.stderr, flush=True)
    with tempfile.TemporaryDirectory() as folder:
        cold, _ = first_step(OWN, net, cores, {"NETSPEC_CACHE": folder})
        objects = list(Path(folder).glob("*.o"))
        record |= {"cold_s": cold, "kernels": len(objects), "cache_bytes": sum(o.stat().st_size for o in objects)}
        warm = [first_step(OWN, net, cores, {"NETSPEC_CACHE": folder}) for _ in range(repeats)]
    record |= {"warm_s": [seconds for seconds, _ in warm], "step_s": min(step for _, step in warm)}
    record["compile_s"] = cold - median(record["warm_s"])
    if why_missing("torch-nchw") is None:
        record["torch_s"] = [first_step("torch-nchw", net, cores)[0] for _ in range(repeats)]
    return record
