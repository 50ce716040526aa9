"""Seconds from process start to the end of LeNet's first training step, cold and warm."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from statistics import median

FIRST_STEP = """
import numpy
import netspec
net = netspec.compile("specs/lenet.yaml", batch_size=64, threads=THREADS)
net.step(data=numpy.zeros((64, 1, 28, 28), "float32"), label=numpy.zeros(64, "int32"))
print("stepped", flush=True)
"""


def first_step(cache: str, threads: int) -> float:
    """Seconds until the first step is over, with kernels in ``cache``."""
    environment = {**os.environ, "NETSPEC_CACHE": cache}
    start = time.perf_counter()
    with subprocess.Popen(
        [sys.executable, "-c", FIRST_STEP.replace("THREADS", str(threads))],
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    ) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        seconds = time.perf_counter() - start
    if line != "stepped\n":
        raise RuntimeError(f"the first step failed with exit code {process.returncode}")
    return seconds


def start_up(threads: int, repeats: int = 5) -> dict[str, float]:
    """``cold`` (an empty kernel cache) and the median of ``warm`` starts, in seconds."""
    with tempfile.TemporaryDirectory() as cache:
        cold = first_step(cache, threads)
        warm = [first_step(cache, threads) for _ in range(repeats)]
    return {"cold_s": cold, "warm_s": median(warm), "warm_min_s": min(warm)}
