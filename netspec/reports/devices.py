"""What nets can run on."""

from __future__ import annotations

import platform
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from netspec.reports import tables
from runtime.cpu.cores import thread_count
from runtime.cpu.isa import detect
from runtime.cuda.gpu import found_gpus, index_of
from runtime.errors import UsageError
from runtime.memory import available


@dataclass(frozen=True)
class Device:
    """One value of ``--device``.

    Attributes
    ----------
    cores
        Threads it is used with by default; a GPU's multiprocessors.
    memory
        Bytes that a process may take now, None if unknown; all of a GPU's.
    model
        The maker's name, and what kernels are compiled for.
    """

    name: str
    kind: str
    cores: int
    memory: int | None
    model: str


def devices() -> list[Device]:
    """All devices of this machine: the CPU, its GPUs, and the reference that checks them."""
    target = detect()
    memory = available()
    return [
        Device("cpu", "cpu", thread_count(), memory, f"{_cpu_name()}, {target.isa}"),
        *_gpus()[0],
        Device("reference", "reference", 1, memory, "NumPy, one step at a time: slow, for comparison"),
    ]


def why_no_gpu() -> str | None:
    """The sentence that says what is missing for the device cuda, None if nothing is."""
    return _gpus()[1]


def _gpus() -> tuple[list[Device], str | None]:
    try:
        found = found_gpus()
    except UsageError as error:
        return [], str(error)
    return [
        Device(f"cuda:{k}", "cuda", p.processors, p.memory, f"{p.name}, compute capability {p.architecture}")
        for k, p in enumerate(found)
    ], None


def known(name: str) -> str:
    """The name of a device, if there is one of it.

    Raises
    ------
    UsageError
        No such device; of cuda, what is missing.
    """
    names = [device.name for device in devices()]
    if name.startswith("cuda"):
        number = index_of(name)
        missing = why_no_gpu()
        if missing is not None:
            raise UsageError(missing)
        if f"cuda:{number}" in names:
            return name
    if name not in names:
        raise UsageError(f"there is no device {name!r}; devices: {', '.join(names)}")
    return name


def known_kind(name: str) -> str:
    """The name of a device that a plan can be made for, whether it is here or not.

    Raises
    ------
    UsageError
        No such device.
    """
    if name.startswith("cuda"):
        index_of(name)
        return name
    return known(name)


def to_dict(found: list[Device]) -> dict[str, Any]:
    """Return the JSON document of ``netspec devices``."""
    return {"devices": [asdict(device) for device in found]}


def to_text(found: list[Device], missing: str | None = None, width: int | None = None) -> str:
    """Return the table that the command prints, and what is missing for more."""
    rows = [
        (d.name, d.kind, str(d.cores), "unknown" if d.memory is None else tables.size(d.memory), d.model) for d in found
    ]
    columns = ("device", "kind", "threads", "memory", "model")
    more = [] if missing is None else ["", f"no GPU: {missing}"]
    return tables.text(tables.table(columns, rows, right=(2, 3), wrap=(4,)), *more, width=width)


def _cpu_name() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8", errors="replace").splitlines() if info.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
