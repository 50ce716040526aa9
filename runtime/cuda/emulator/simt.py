"""The names of ``runtime.cuda.simt`` for the threads of an emulated block.

What a warp or block does together is a ``Request``: calling it in a kernel
stops the thread (the machine turns the call into a ``yield``) until the others
are there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np

from runtime.cuda.emulator.access import BYTES
from runtime.cuda.emulator.faults import Fault
from runtime.cuda.emulator.functions import fma
from runtime.cuda.emulator.values import KINDS, Vector, scalar

if TYPE_CHECKING:
    from runtime.cuda.emulator.machine import Machine

WARP = 32


@dataclass(frozen=True)
class Request:
    """What a thread waits for.

    Parameters
    ----------
    name
        All who meet must ask for the same.
    args
        Of this thread.
    resolve
        From the arguments of all threads of the warp (a list) to their answers; None for a barrier of the block.
    """

    name: str
    args: tuple[Any, ...] = ()
    resolve: Callable[[list[tuple[Any, ...]]], list[Any]] | None = None


def collective(function: Callable[..., Request]) -> Callable[..., Request]:
    """Marks a function whose calls in a kernel stop the thread."""
    function.collective = True  # type: ignore[attr-defined]
    return function


@collective
def barrier() -> Request:
    """Waits for all threads of the block."""
    return Request("barrier")


def lane_reader(dtype: str, lanes: int) -> Callable[[Vector, int], Any]:
    """``lane(v, k)``: lane k of a vector as a scalar."""
    return lambda v, k: v.lanes[k]


def outer_adder(dtype: str, lanes: int) -> Callable[..., tuple[Vector, ...]]:
    """``add_outer(a, b, s0, s1, ..)``: the vectors s0 + a[0] b, s1 + a[1] b, .."""
    return lambda a, b, *rows: tuple(fma(b.new(np.repeat(x, lanes)), b, s) for x, s in zip(a.lanes, rows, strict=True))


class Simt:
    """The rest of the names, for the thread that a machine runs just now."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine

    def names(self) -> dict[str, Any]:
        """What kernels may import, by name."""
        m = self.machine
        return {
            "thread": lambda: m.thread,
            "thread_anew": lambda: m.thread,
            "threads": lambda: m.threads,
            "block": lambda: m.block[0],
            "block_anew": lambda: m.block[0],
            "block_y": lambda: m.block[1],
            "block_z": lambda: m.block[2],
            "place": lambda: m.block[0] * m.threads + m.thread,
            "within": lambda x, size: 0 <= x < size,
            "barrier": barrier,
            "lane_reader": lane_reader,
            "outer_adder": outer_adder,
            "shared_loader": self.shared_loader,
            "shared_storer": self.shared_storer,
            "shared_reader": self.shared_reader,
            "shared_writer": self.shared_writer,
            "shared_vectors": self.shared_vectors,
        }

    def shared_loader(self, dtype: str, lanes: int) -> Callable[[int, int], Vector]:
        """See ``runtime.cuda.simt.shared_loader``."""
        size = BYTES[dtype] * lanes

        def load(p: int, i: int) -> Vector:
            m = self.machine
            data = m.shared.read(m.thread, p + i * BYTES[dtype], size, size)
            return Vector(dtype, data.view(KINDS[dtype]).copy())

        return load

    def shared_storer(self, dtype: str, lanes: int) -> Callable[[int, int, Vector], None]:
        """See ``runtime.cuda.simt.shared_storer``."""
        size = BYTES[dtype] * lanes

        def store(p: int, i: int, v: Vector) -> None:
            m = self.machine
            if v.kind != dtype or len(v.lanes) != lanes:
                raise Fault(f"a vector of {len(v.lanes)} {v.kind} is stored as {lanes} {dtype}")
            m.shared.write(m.thread, p + i * BYTES[dtype], np.ascontiguousarray(v.lanes).view(np.uint8), size)

        return store

    def shared_reader(self, dtype: str) -> Callable[[int, int], Any]:
        """See ``runtime.cuda.simt.shared_reader``."""
        load = self.shared_loader(dtype, 1)

        def read(p: int, i: int) -> Any:
            found = load(p, i).lanes[0]
            return found if dtype in ("f32", "f64") else found.item()

        return read

    def shared_writer(self, dtype: str) -> Callable[[int, int, Any], None]:
        """See ``runtime.cuda.simt.shared_writer``."""
        store = self.shared_storer(dtype, 1)
        return lambda p, i, x: store(p, i, Vector(dtype, [scalar(dtype, x)]))

    def shared_vectors(self, dtype: str, lanes: int) -> SimpleNamespace:
        """See ``runtime.cuda.simt.shared_vectors``."""
        return SimpleNamespace(
            load=self.shared_loader(dtype, lanes),
            store=self.shared_storer(dtype, lanes),
            read=self.shared_reader(dtype),
            write=self.shared_writer(dtype),
        )
