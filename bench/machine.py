"""What a figure comes from: processor, cores, versions."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from pathlib import Path

import psutil

BUSY = 0.1
"""Share of the machine that others may use before a measurement says little."""


def cpu_name() -> str:
    """The processor's name as the system gives it."""
    info = Path("/proc/cpuinfo")
    names = [line for line in info.read_text().splitlines() if line.startswith("model name")] if info.exists() else []
    return names[0].partition(":")[2].strip() if names else platform.processor()


def cpu_flags() -> set[str]:
    """Instruction set extensions, as far as the system tells."""
    info = Path("/proc/cpuinfo")
    lines = [line for line in info.read_text().splitlines() if line.startswith("flags")] if info.exists() else []
    return set(lines[0].partition(":")[2].split()) if lines else set()


def isa() -> str:
    """The extensions that decide how fast a core multiplies."""
    interesting = ("avx2", "avx512f", "avx512_bf16", "amx_tile")
    return " ".join(flag for flag in interesting if flag in cpu_flags())


def cores() -> list[int]:
    """CPUs this process may use."""
    return sorted(os.sched_getaffinity(0))


def busy(seconds: float = 0.5) -> float:
    """Share of all CPUs in use, 0 to 1, while this process waits."""
    return float(psutil.cpu_percent(interval=seconds)) / 100


def commit() -> str:
    """The checkout's revision, with ``-dirty`` where files differ from it; empty without git."""
    if shutil.which("git") is None:
        return ""
    done = subprocess.run(["git", "describe", "--always", "--dirty"], capture_output=True, text=True, check=False)
    return done.stdout.strip()


def describe() -> dict[str, object]:
    """For the head of a report."""
    return {
        "cpu": cpu_name(),
        "isa": isa(),
        "cores": len(cores()),
        "memory_bytes": psutil.virtual_memory().total,
        "python": platform.python_version(),
        "system": platform.platform(terse=True),
    }
