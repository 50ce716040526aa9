"""Resident memory of this process, in bytes."""

from __future__ import annotations

import resource
from contextlib import suppress
from pathlib import Path

_STATUS = Path("/proc/self/status")
_CLEAR = Path("/proc/self/clear_refs")


def resident() -> int:
    """What is resident now; 0 where the system does not tell."""
    return _field("VmRSS")


def reset_peak() -> None:
    """Starts the high-water mark anew, where the system can (Linux)."""
    with suppress(OSError):  # then the mark since the process's start counts
        _CLEAR.write_text("5")


def peak() -> int:
    """The most that was resident since ``reset_peak``."""
    return _field("VmHWM") or resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _field(name: str) -> int:
    lines = _STATUS.read_text().splitlines() if _STATUS.exists() else []
    found = [line.split()[1] for line in lines if line.startswith(name + ":")]
    return 1024 * int(found[0]) if found else 0
