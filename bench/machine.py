"""What a figure comes from: processor, cores, versions."""

from __future__ import annotations

import os
import platform
from pathlib import Path

import psutil


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


def describe() -> dict[str, object]:
    """For the head of a report."""
    return {
        "cpu": cpu_name(),
        "isa": isa(),
        "cores": len(cores()),
        "memory_bytes": psutil.virtual_memory().total,
        "load": os.getloadavg()[0],
        "python": platform.python_version(),
        "system": platform.platform(terse=True),
    }
