"""A GPU that is in use: its context, two streams, the kernels loaded so far; and how devices are named."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from runtime.cuda.cubins import Code, Wanted, cubin_cache
from runtime.cuda.driver import FREE_SHARED, LEAST_CAPABILITY, Driver, Properties, load_api
from runtime.errors import UsageError
from runtime.memory import readable

_NAME = re.compile(r"cuda(?::(\d{1,4}))?")


class Codes(Protocol):
    """Where machine code comes from: ``CubinCache``, or a stand-in."""

    def load(self, kernels: Iterable[Wanted]) -> Mapping[Wanted, Code]:
        """The code of each kernel."""


class Gpu:
    """One GPU.

    Parameters
    ----------
    driver
        Of this machine.
    index
        From 0.
    codes
        Machine code of kernels; the cache of cubins unless given.

    Attributes
    ----------
    stream
        On which everything runs, in order.
    copies
        On which input is copied while ``stream`` is busy.

    Raises
    ------
    UsageError
        There is no such GPU, or it is too old for the kernels.
    """

    def __init__(self, driver: Driver, index: int = 0, codes: Codes | None = None) -> None:
        count = driver.count()
        if index >= count:
            names = ", ".join(f"cuda:{k}" for k in range(count))
            raise UsageError(f"there is no device 'cuda:{index}'; GPUs of this machine: {names}")
        self.driver, self.index = driver, index
        self._device = driver.device(index)
        self.properties: Properties = driver.properties(self._device)
        require_capability(self.properties)
        self.codes: Codes = codes or cubin_cache(self.properties.capability)
        self._context = driver.retain(self._device)
        self.use()
        self.stream, self.copies = driver.stream(), driver.stream()
        self._functions: dict[Wanted, Any] = {}
        self._modules: list[Any] = []
        self._allowed: dict[Wanted, int] = {}

    def use(self) -> None:
        """Makes this GPU the one of the calling thread."""
        self.driver.use(self._context)

    @property
    def compiled(self) -> tuple[int, float]:
        """Kernels compiled so far because they were in no cache, and the seconds that took."""
        return getattr(self.codes, "compiled", 0), getattr(self.codes, "seconds", 0.0)

    def functions(self, wanted: Mapping[Wanted, int]) -> dict[Wanted, Any]:
        """The handle of each kernel; the numbers are bytes of dynamic shared memory that it is launched with.

        Raises
        ------
        UsageError
            More shared memory than this GPU has for a block.
        """
        self._require_shared(wanted)
        absent = [w for w in wanted if w not in self._functions]
        for w, code in self.codes.load(absent).items():
            module = self.driver.load(code.cubin)
            self._modules.append(module)
            self._functions[w] = self.driver.function(module, code.symbol)
        for w, shared in wanted.items():
            if shared > max(FREE_SHARED, self._allowed.get(w, 0)):
                self.driver.allow_shared(self._functions[w], shared)
                self._allowed[w] = shared
        return {w: self._functions[w] for w in wanted}

    def _require_shared(self, wanted: Mapping[Wanted, int]) -> None:
        most = self.properties.shared
        for w, shared in wanted.items():
            if shared > most:
                raise UsageError(
                    f"{self.properties.name} has {readable(most)} of shared memory for a block, the kernel {w.name} "
                    f"needs {readable(shared)}: use math: fast, or --device cpu"
                )

    def wait(self) -> None:
        """Returns once everything asked for is done."""
        self.driver.wait(self.copies)
        self.driver.wait(self.stream)

    def close(self) -> None:
        """Lets go of kernels, streams and the context; nothing may be in use any more."""
        self.use()
        for module in self._modules:
            self.driver.unload(module)
        self._modules.clear()
        self._functions.clear()
        for stream in (self.stream, self.copies):
            self.driver.end_stream(stream)
        self.driver.release(self._device)


def require_capability(found: Properties) -> None:
    """Raises UsageError for a GPU that is too old."""
    if found.capability < LEAST_CAPABILITY:
        need = ".".join(map(str, LEAST_CAPABILITY))
        raise UsageError(
            f"{found.name} has compute capability {found.architecture}, the kernels need {need} or later: "
            "use --device cpu"
        )


def index_of(name: str) -> int:
    """The number of a GPU by its name, ``cuda`` (the first) or ``cuda:1``.

    Raises
    ------
    UsageError
        Several GPUs, or no such name.
    """
    if "," in name:
        raise UsageError(f"--device {name}: one GPU at a time; training on several is not built yet")
    found = _NAME.fullmatch(name)
    if found is None:
        raise UsageError(f"there is no device {name!r}; the first GPU is cuda, or cuda:0, the second cuda:1")
    return int(found[1] or 0)


@functools.cache
def this_driver() -> Driver:
    """The driver of this machine.

    Raises
    ------
    UsageError
        The extra, the driver or a GPU is missing.
    """
    return Driver(load_api())


@functools.cache
def open_gpu(index: int) -> Gpu:
    """A GPU of this machine, the same one at every call."""
    return Gpu(this_driver(), index)


def found_gpus() -> tuple[Properties, ...]:
    """What the GPUs of this machine say of themselves.

    Raises
    ------
    UsageError
        The extra, the driver or a GPU is missing.
    """
    driver = this_driver()
    return tuple(driver.properties(driver.device(k)) for k in range(driver.count()))
