"""Does netspec work on this machine: each part tried once, on a net small enough to take seconds."""

from __future__ import annotations

import importlib.util
import os
import platform
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from netspec.compiling import compile_spec
from netspec.mappings import Array
from netspec.reports import tables
from netspec.reports.batches import random_batch
from netspec.reports.devices import devices, why_no_gpu
from netspec.spec.load import load_spec
from runtime.cache import cache_folder, usable_folder
from runtime.cpu.cores import thread_count
from runtime.cpu.isa import detect

PACKAGES = ("numpy", "numba", "llvmlite", "networkx", "PyYAML", "click", "rich", "safetensors")
EXTRAS = {
    "cuda": ("numba_cuda", "cuda"),
    "test": ("pytest", "hypothesis", "scipy"),
    "bench": ("torch", "psutil"),
    "dev": ("ruff", "mypy"),
}
PARITY = 1e-4
"""max|y - ref| / rms(ref) of float32 kernels against the reference (docs/reliability.md)."""

SMALL_NET = {
    "name": "doctor",
    "inputs": {"data": [3, 9, 7], "label": []},
    "layers": [
        {"name": "conv", "type": "Convolution", "num_output": 5, "kernel_size": 3, "pad": 1, "bias_term": False},
        {"name": "bn", "type": "BatchNorm", "scale_bias": True},
        {"name": "relu", "type": "ReLU"},
        {"name": "pool", "type": "Pooling", "pool": "MAX", "kernel_size": 2, "stride": 2, "round": "ceil"},
        {"name": "ip", "type": "InnerProduct", "num_output": 4},
        {"name": "loss", "type": "SoftmaxWithLoss", "bottom": ["ip", "label"]},
    ],
    "solver": {"type": "SGD", "base_lr": 0.1, "momentum": 0.9, "lr_policy": "fixed", "max_iter": 3},
}


@dataclass(frozen=True)
class Check:
    """One part of the self-test."""

    name: str
    passed: bool
    detail: str


@dataclass(frozen=True)
class Diagnosis:
    """What ``netspec doctor`` tells."""

    checks: tuple[Check, ...]

    @property
    def passed(self) -> bool:
        """Whether every check passed."""
        return all(check.passed for check in self.checks)

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON document of ``netspec doctor``."""
        return {"passed": self.passed, "checks": [asdict(check) for check in self.checks]}

    def to_text(self, width: int | None = None) -> str:
        """Return the table that the command prints."""
        rows = [("ok" if c.passed else "FAILED", c.name, c.detail) for c in self.checks]
        verdict = "netspec works here" if self.passed else "something is wrong"
        return tables.text(tables.table(("", "check", "found"), rows, wrap=(2,)), "", verdict, width=width)


def diagnose() -> Diagnosis:
    """Runs every check; one that breaks is a failed check, not the end."""
    checks: list[tuple[str, Callable[[], tuple[bool, str]]]] = [
        ("python", _python),
        ("packages", _packages),
        ("yaml", _yaml),
        ("cpu", _cpu),
        ("threads", _threads),
        ("cache", _cache),
        ("kernels", _kernels),
        ("determinism", _determinism),
        ("cuda", _cuda),
        ("data", _data),
        ("extras", _extras),
    ]
    return Diagnosis(tuple(_run(name, check) for name, check in checks))


def _run(name: str, check: Callable[[], tuple[bool, str]]) -> Check:
    try:
        passed, detail = check()
    except Exception as error:  # whatever breaks is what the doctor is asked to find
        return Check(name, False, f"{type(error).__name__}: {error}")
    return Check(name, passed, detail)


def _python() -> tuple[bool, str]:
    return sys.version_info >= (3, 11), f"{platform.python_version()} at {sys.executable}; 3.11 or later is needed"


def _packages() -> tuple[bool, str]:
    return True, ", ".join(f"{name} {metadata.version(name)}" for name in PACKAGES)


def _yaml() -> tuple[bool, str]:
    fast = bool(yaml.__with_libyaml__)
    return fast, "libyaml" if fast else "PyYAML without libyaml: install a wheel of PyYAML"


def _cpu() -> tuple[bool, str]:
    target = detect()
    return True, f"{devices()[0].model}: {target.vector_bytes}-byte vectors ({target.name})"


def _threads() -> tuple[bool, str]:
    count = thread_count()
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return count >= 1, f"{count} by default; the process may use {allowed} of {os.cpu_count()} processors"


def _cache() -> tuple[bool, str]:
    folder = cache_folder()
    problem = usable_folder(folder)
    if problem is not None:
        return False, f"{folder}: {problem}; kernels would be compiled in each process"
    entries = list(folder.glob("*.o"))
    return True, f"{folder}: {len(entries)} kernels, {tables.size(sum(e.stat().st_size for e in entries))}"


def _trained(device: str, threads: int) -> dict[str, Array]:
    """Losses and parameters of the small net after three steps."""
    net = compile_spec(load_spec(SMALL_NET), "train", 3, device, threads=threads)
    try:
        batch = random_batch(net.resolved, np.random.default_rng(0))
        losses = [net.step(**batch)["loss"] for _ in range(3)]
        return {"loss": np.array(losses), **{name: np.array(net.params[name]) for name in net.params}}
    finally:
        net.close()


def _cuda() -> tuple[bool, str]:
    missing = why_no_gpu()
    if missing is not None:
        return True, f"no GPU: {missing}"
    found = ", ".join(f"{d.name} {d.model}" for d in devices() if d.kind == "cuda")
    right, detail = _kernels("cuda")
    if not np.array_equal(_trained("cuda", 1)["loss"], _trained("cuda", 1)["loss"]):
        return False, f"{found}: two runs give other bits"
    return right, f"{found}: {detail}; two runs give the same bits"


def _kernels(device: str = "cpu") -> tuple[bool, str]:
    ours, reference = _trained(device, 1), _trained("reference", 1)
    error, name = max((_parity(ours[name], reference[name]), name) for name in ours)
    return (
        error <= PARITY,
        f"three training steps differ from the reference by {error:.1e} ({name}), limit {PARITY:.0e}",
    )


def _parity(y: Array, reference: Array) -> float:
    rms = float(np.sqrt(np.mean(np.square(reference, dtype=np.float64))))
    return float(np.abs(y - reference).max()) / max(rms, 1e-30)


def _determinism() -> tuple[bool, str]:
    one, two = _trained("cpu", 1), _trained("cpu", 2)
    different = [name for name in one if not np.array_equal(one[name], two[name])]
    if different:
        return False, f"1 and 2 threads give other bits: {', '.join(different)}"
    return True, "1 and 2 threads give the same bits"


def _data() -> tuple[bool, str]:
    root = os.environ.get("NETSPEC_DATA")
    if not root:
        return True, "NETSPEC_DATA is not set; digits comes with netspec"
    path = Path(root).expanduser()
    if not path.is_dir():
        return False, f"NETSPEC_DATA is {root}, which is not a folder"
    return True, f"{root}: {', '.join(sorted(p.name for p in path.iterdir())[:10]) or 'empty'}"


def _extras() -> tuple[bool, str]:
    found = {extra: all(importlib.util.find_spec(m) for m in modules) for extra, modules in EXTRAS.items()}
    return True, ", ".join(f"{extra} {'installed' if there else 'not installed'}" for extra, there in found.items())
