"""What the CPU can do: the instruction set, lanes of a vector, the micro-kernel's tile.

Read from LLVM (not from numba, whose import takes a quarter of a second), with
numba's own overrides ``NUMBA_CPU_NAME`` and ``NUMBA_CPU_FEATURES`` obeyed, so
that a test can ask for another instruction set.
"""

from __future__ import annotations

import functools
import os
import platform
import sys
from dataclasses import dataclass

from llvmlite import binding

from runtime.plan import ITEM_BYTES

VECTOR_BYTES = {"avx512": 64, "avx2": 32, "neon": 16, "generic": 16}
"""Bytes of a vector register that kernels are written for, per instruction set."""

TILES = {"avx512": (14, 2), "avx2": (6, 2), "neon": (4, 2), "generic": (4, 2)}
"""Rows and vectors of the matrix micro-kernel: rows x vectors accumulators fit the registers."""

_AVX512 = ("avx512f", "avx512bw", "avx512dq", "avx512vl")
_AVX2 = ("avx2", "fma")


@dataclass(frozen=True)
class CpuTarget:
    """A CPU that kernels are generated for.

    Parameters
    ----------
    isa
        ``avx512``, ``avx2``, ``neon`` (AArch64) or ``generic``.
    vector_bytes
        Bytes of a vector.
    tile
        Rows and vectors of the micro-kernel's tile.
    name, features
        LLVM's names of the CPU and its features; part of the cache's key.
    machine
        Architecture as ``platform.machine()`` says it.
    futex
        True where waiting threads can sleep on a futex (Linux).
    """

    isa: str
    vector_bytes: int
    tile: tuple[int, int]
    name: str
    features: str
    machine: str
    futex: bool

    def lanes(self, dtype: str) -> int:
        """Elements of ``dtype`` in a vector."""
        return self.vector_bytes // ITEM_BYTES[dtype]

    @property
    def x86(self) -> bool:
        """True on x86-64, where denormals and pauses are under our control."""
        return self.machine in ("x86_64", "AMD64")


def target_for(isa: str, name: str = "generic", features: str = "", machine: str | None = None) -> CpuTarget:
    """The target of an instruction set by name."""
    machine = machine or platform.machine()
    futex = sys.platform == "linux" and machine == "x86_64"
    return CpuTarget(isa, VECTOR_BYTES[isa], TILES[isa], name, features, machine, futex)


def detect() -> CpuTarget:
    """The target of this process: the host's, or what ``NUMBA_CPU_NAME`` and ``NUMBA_CPU_FEATURES`` ask for."""
    return _detect(os.environ.get("NUMBA_CPU_NAME"), os.environ.get("NUMBA_CPU_FEATURES"))


@functools.cache
def _detect(name: str | None, features: str | None) -> CpuTarget:
    if features is None:
        generic = name is not None and name.lower() == "generic"
        features = "" if generic else binding.get_host_cpu_features().flatten()
    return target_for(_isa(features, platform.machine()), name or binding.get_host_cpu_name(), features)


def _isa(features: str, machine: str) -> str:
    """The row of the tables for LLVM's features: the widest that is there."""
    have = {f[1:] for f in features.split(",") if f.startswith("+")}
    if machine in ("aarch64", "arm64"):
        return "neon"  # every such CPU has it
    return "avx512" if have.issuperset(_AVX512) else "avx2" if have.issuperset(_AVX2) else "generic"
