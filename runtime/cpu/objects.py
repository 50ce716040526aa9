"""Compiled kernels of the CPU: object files in the cache folder, linked by LLVM in half a millisecond."""

from __future__ import annotations

import functools
import importlib
import itertools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from llvmlite import binding

from runtime.cache import Cache, digest_of, environment, imported, source_digest
from runtime.compile_ahead import Helper
from runtime.cpu.isa import CpuTarget, detect
from runtime.vector.kernel import Kernel

_libraries = itertools.count()
"""Numbers of the linked libraries: a name is taken for ever, and the id of a cache that is gone comes again."""


class KernelCache(Cache[Kernel, int]):
    """Compiles, keeps and loads kernels for one CPU; a kernel is its address.

    Parameters
    ----------
    target
        The CPU.
    folder
        See ``Cache``.
    """

    suffix = ".o"

    def __init__(self, target: CpuTarget, folder: Path | None = None) -> None:
        self.target = target
        self._kept: list[Any] = []
        super().__init__(folder)

    def key(self, kernel: Kernel) -> str:
        """The hash of all that goes into the object."""
        made_by = (environment(), source_digest("runtime.cpu.build"), self.target.name, self.target.features)
        return digest_of(*made_by, imported(kernel.text), kernel.text)

    def _build(self, kernel: Kernel) -> tuple[str, bytes]:
        # importing numba takes longer than loading every kernel of a net, so only a miss pays for it
        entry: tuple[str, bytes] = importlib.import_module("runtime.cpu.build").build(kernel)
        return entry

    def _bind(self, symbol: str, code: bytes) -> int:
        builder = binding.JITLibraryBuilder().add_object_img(code).add_current_process().export_symbol(symbol)
        library = builder.link(_linker(), f"netspec{next(_libraries)}")
        self._kept.append(library)
        return int(library[symbol])

    def _helper(self) -> Helper | None:
        # a helper compiles for the CPU it finds, which a test may have overridden here
        return helper_of(self.folder) if self.folder is not None and self.target == detect() else None


def helper_of(folder: Path) -> Helper:
    """How another process compiles into a folder."""
    return Helper("runtime.cpu.objects", (str(folder),), lambda kernel: [kernel.name, kernel.text])


def taker(folder: str) -> Callable[[str], object]:
    """What a helper process does with a line: it compiles the kernel into the folder."""
    cache = KernelCache(detect(), Path(folder))
    return lambda line: cache.load([Kernel(*json.loads(line))])


@functools.cache
def kernel_cache(target: CpuTarget) -> KernelCache:
    """The process's cache of a target."""
    return KernelCache(target)


@functools.cache
def _linker() -> Any:
    binding.initialize_native_target()
    binding.initialize_native_asmprinter()
    return binding.create_lljit_compiler(use_jit_link=False)
