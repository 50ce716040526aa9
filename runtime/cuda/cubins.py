"""Compiled kernels of a GPU: cubins in the cache folder, one for each compute capability."""

from __future__ import annotations

import functools
import importlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from runtime.cache import Cache, digest_of, environment, imported, source_digest
from runtime.compile_ahead import Helper
from runtime.vector.kernel import Kernel

MADE_BY = ("numba-cuda", "nvidia-nvvm", "nvidia-nvjitlink", "nvidia-cuda-nvcc-cu12", "nvidia-nvjitlink-cu12")
"""Packages that make code; those of one major version of CUDA are installed."""


@dataclass(frozen=True)
class Wanted:
    """A kernel as it is launched.

    Parameters
    ----------
    kernel
        Its text.
    words
        Argument words.
    block
        Threads a block: they bound the registers of each.
    """

    kernel: Kernel
    words: int
    block: int

    @property
    def name(self) -> str:
        """For people."""
        return self.kernel.name

    @property
    def text(self) -> str:
        """The kernel's."""
        return self.kernel.text


@dataclass(frozen=True)
class Code:
    """Machine code and the name of the kernel in it."""

    symbol: str
    cubin: bytes


class CubinCache(Cache[Wanted, Code]):
    """Compiles and keeps kernels for GPUs of one compute capability.

    Parameters
    ----------
    capability
        (9, 0) for Hopper.
    folder
        See ``Cache``.
    """

    suffix = ".cubin"

    def __init__(self, capability: tuple[int, int], folder: Path | None = None) -> None:
        self.capability = capability
        super().__init__(folder)

    def key(self, kernel: Wanted) -> str:
        """The hash of all that goes into the cubin."""
        shape = f"sm_{self.capability[0]}{self.capability[1]} {kernel.words} {kernel.block}"
        return digest_of(environment(), _versions(), shape, imported(kernel.text), kernel.text)

    def _build(self, kernel: Wanted) -> tuple[str, bytes]:
        # importing numba-cuda takes longer than loading every kernel of a net, so only a miss pays for it
        build = importlib.import_module("runtime.cuda.build").build
        made = build(kernel.kernel, kernel.words, kernel.block, self.capability)
        return made.symbol, made.code

    def _bind(self, symbol: str, code: bytes) -> Code:
        return Code(symbol, code)

    def _helper(self) -> Helper | None:
        return None if self.folder is None else helper_of(self.folder, self.capability)


def helper_of(folder: Path, capability: tuple[int, int]) -> Helper:
    """How another process compiles into a folder."""
    arguments = (str(folder), json.dumps(capability))
    return Helper("runtime.cuda.cubins", arguments, lambda w: [w.kernel.name, w.kernel.text, w.words, w.block])


def taker(folder: str, capability: str) -> Callable[[str], object]:
    """What a helper process does with a line: it compiles the kernel into the folder."""
    major, minor = json.loads(capability)
    cache = CubinCache((major, minor), Path(folder))

    def take(line: str) -> object:
        name, text, words, block = json.loads(line)
        return cache.load([Wanted(Kernel(name, text), words, block)])

    return take


@functools.cache
def cubin_cache(capability: tuple[int, int]) -> CubinCache:
    """The process's cache for GPUs of a compute capability."""
    return CubinCache(capability)


@functools.cache
def _versions() -> str:
    """Of what makes cubins, and the module of ours that calls it."""
    found = []
    for package in MADE_BY:
        try:
            found.append(f"{package} {metadata.version(package)}")
        except metadata.PackageNotFoundError:
            continue
    return "\n".join([*found, source_digest("runtime.cuda.build")])
