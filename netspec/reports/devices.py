"""What nets can run on."""

from __future__ import annotations

import platform
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from netspec.reports import tables
from runtime.cpu.cores import thread_count
from runtime.cpu.isa import detect
from runtime.errors import UsageError
from runtime.memory import available


@dataclass(frozen=True)
class Device:
    """One value of ``--device``.

    Attributes
    ----------
    cores
        Threads it is used with by default.
    memory
        Bytes that a process may take now, None if unknown.
    model
        The maker's name, and what kernels are compiled for.
    """

    name: str
    kind: str
    cores: int
    memory: int | None
    model: str


def devices() -> list[Device]:
    """All devices of this machine: the CPU, and the reference that checks it."""
    target = detect()
    memory = available()
    return [
        Device("cpu", "cpu", thread_count(), memory, f"{_cpu_name()}, {target.isa}"),
        Device("reference", "reference", 1, memory, "NumPy, one step at a time: slow, for comparison"),
    ]


def known(name: str) -> str:
    """The name of a device, if there is one of it.

    Raises
    ------
    UsageError
        No such device.
    """
    names = [device.name for device in devices()]
    if name not in names:
        raise UsageError(f"there is no device {name!r}; devices: {', '.join(names)}")
    return name


def to_dict(found: list[Device]) -> dict[str, Any]:
    """Return the JSON document of ``netspec devices``."""
    return {"devices": [asdict(device) for device in found]}


def to_text(found: list[Device], width: int | None = None) -> str:
    """Return the table that the command prints."""
    rows = [
        (d.name, d.kind, str(d.cores), "unknown" if d.memory is None else tables.size(d.memory), d.model) for d in found
    ]
    columns = ("device", "kind", "threads", "memory", "model")
    return tables.text(tables.table(columns, rows, right=(2, 3), wrap=(4,)), width=width)


def _cpu_name() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8", errors="replace").splitlines() if info.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
