"""Loads, stores and argument words under the names of ``runtime.vector``, over the emulator's memories.

Every factory here belongs to one machine, which knows the thread that runs.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np

from runtime.cuda.emulator.faults import Fault
from runtime.cuda.emulator.memory import GlobalMemory
from runtime.cuda.emulator.values import KINDS, Vector, convert, scalar
from runtime.plan import ITEM_BYTES
from runtime.reference.philox import philox4x32

STORED = {"b1": "u8"}
"""Kinds that lie in memory as another."""

BYTES = {**ITEM_BYTES, "i64": 8, "u64": 8, "u32": 4}


class Access:
    """The names of ``access``, ``scalars``, ``words`` and ``philox`` for kernels of one machine.

    Parameters
    ----------
    memory
        What addresses point into.
    """

    def __init__(self, memory: GlobalMemory) -> None:
        self.memory = memory

    def names(self) -> dict[str, Any]:
        """What kernels may import, by name."""
        found = {name: getattr(self, name) for name in _NAMES}
        return {**found, "aligned_loader": self._aligned_loader, "aligned_storer": self._aligned_storer}

    def _elements(self, address: int, memory: str, count: int, together: int = 1) -> Any:
        """``count`` elements at a byte address as a NumPy array over the memory."""
        size = BYTES[memory]
        data = self.memory.at(int(address), size * count, size * together)
        return data.view(KINDS[STORED.get(memory, memory)])

    def loader(self, memory: str, kind: str, lanes: int, together: int = 1) -> Callable[[int, int], Vector]:
        """See ``runtime.vector.access.loader``."""
        item = BYTES[memory]

        def load(p: int, i: int) -> Vector:
            return self._as_kind(self._elements(p + i * item, memory, lanes, together).copy(), memory, kind)

        return load

    def _aligned_loader(self, memory: str, kind: str, lanes: int) -> Callable[[int, int], Vector]:
        return self.loader(memory, kind, lanes, lanes)

    def _as_kind(self, elements: Any, memory: str, kind: str) -> Vector:
        return convert(Vector(STORED.get(memory, memory), elements), kind)

    def tail_loader(self, memory: str, kind: str, lanes: int) -> Callable[[int, int, int], Vector]:
        """See ``runtime.vector.access.tail_loader``."""
        item = BYTES[memory]

        def load_tail(p: int, i: int, n: int) -> Vector:
            found: Any = np.zeros(lanes, KINDS[STORED.get(memory, memory)])
            count = max(0, min(lanes, int(n)))
            if count:
                found[:count] = self._elements(p + i * item, memory, count)
            return self._as_kind(found, memory, kind)

        return load_tail

    def gatherer(self, memory: str, kind: str, lanes: int) -> Callable[[int, int, int], Vector]:
        """See ``runtime.vector.access.gatherer``."""

        def gather(p: int, stride: int, n: int) -> Vector:
            found: Any = np.zeros(lanes, KINDS[STORED.get(memory, memory)])
            for k in range(max(0, min(lanes, int(n)))):
                found[k] = self._elements(p + k * stride, memory, 1)[0]
            return self._as_kind(found, memory, kind)

        return gather

    def broadcaster(self, memory: str, kind: str, lanes: int) -> Callable[[int], Vector]:
        """See ``runtime.vector.access.broadcaster``."""
        load = self.loader(memory, kind, 1)
        return lambda p: Vector(kind, np.repeat(load(p, 0).lanes, lanes))

    def storer(self, memory: str, lanes: int, together: int = 1) -> Callable[[int, int, Vector], None]:
        """See ``runtime.vector.access.storer``."""
        item = BYTES[memory]

        def store(p: int, i: int, v: Vector) -> None:
            self._elements(p + i * item, memory, lanes, together)[:] = _to_memory(v, memory)

        return store

    def _aligned_storer(self, memory: str, lanes: int) -> Callable[[int, int, Vector], None]:
        return self.storer(memory, lanes, lanes)

    def tail_storer(self, memory: str, lanes: int) -> Callable[[int, int, Vector, int], None]:
        """See ``runtime.vector.access.tail_storer``."""
        item = BYTES[memory]

        def store_tail(p: int, i: int, v: Vector, n: int) -> None:
            count = max(0, min(lanes, int(n)))
            if count:
                self._elements(p + i * item, memory, count)[:] = _to_memory(v, memory)[:count]

        return store_tail

    def scatterer(self, memory: str, lanes: int) -> Callable[[int, int, Vector, int], None]:
        """See ``runtime.vector.access.scatterer``."""

        def scatter(p: int, stride: int, v: Vector, n: int) -> None:
            data = _to_memory(v, memory)
            for k in range(max(0, min(lanes, int(n)))):
                self._elements(p + k * stride, memory, 1)[0] = data[k]

        return scatter

    def scalar_loader(self, memory: str, kind: str) -> Callable[[int, int], Any]:
        """See ``runtime.vector.access.scalar_loader``."""
        load = self.loader(memory, kind, 1)

        def read(p: int, i: int) -> Any:
            found = load(p, i).lanes[0]
            return found if kind in ("f32", "f64") else found.item()

        return read

    def scalar_storer(self, memory: str) -> Callable[[int, int, Any], None]:
        """See ``runtime.vector.access.scalar_storer``."""
        item = BYTES[memory]

        def write(p: int, i: int, x: Any) -> None:
            self._elements(p + i * item, memory, 1)[0] = scalar(STORED.get(memory, memory), x)

        return write

    def vectors(self, dtype: str, lanes: int) -> SimpleNamespace:
        """See ``runtime.vector.access.vectors``."""
        return SimpleNamespace(
            load=self.loader(dtype, dtype, lanes),
            store=self.storer(dtype, lanes),
            load_tail=self.tail_loader(dtype, dtype, lanes),
            store_tail=self.tail_storer(dtype, lanes),
            gather=self.gatherer(dtype, dtype, lanes),
            scatter=self.scatterer(dtype, lanes),
            broadcast=self.broadcaster(dtype, dtype, lanes),
            splat=lambda x: Vector(dtype, np.full(lanes, scalar(dtype, x))),
            below=lambda n: Vector("b1", np.arange(lanes) < n),
            read=self.scalar_loader(dtype, dtype),
            write=self.scalar_storer(dtype),
            lanes=lanes,
            dtype=dtype,
        )

    def word(self, p: Any, i: int) -> int:
        """The int64 at word i, of the arguments or of memory."""
        return int(p[i] if isinstance(p, tuple) else self._elements(p + 8 * i, "i64", 1)[0])

    def put_word(self, p: int, i: int, v: int) -> None:
        """Writes the int64 v at word i."""
        self._elements(p + 8 * i, "i64", 1)[0] = v

    def real(self, p: Any, i: int) -> float:
        """The float64 at word i."""
        if isinstance(p, tuple):
            return float(struct.unpack("<d", struct.pack("<q", p[i]))[0])
        return float(self._elements(p + 8 * i, "f64", 1)[0])

    def whole(self, p: int, i: int) -> int:
        """The float64 at word i (a whole number) as an integer."""
        return int(self.real(p, i))

    def over(self, args: Any, divisor: int, x: int) -> int:
        """X divided by the divisor at a word: by multiplication, as the kernel does."""
        if not 0 <= x < 1 << 31:
            raise Fault(f"{x} is divided by a multiplication that is good below 2^31")
        return (x * self.word(args, divisor + 1)) >> self.word(args, divisor + 2)

    def rest(self, args: Any, divisor: int, x: int) -> int:
        """What ``over`` leaves."""
        return x - self.over(args, divisor, x) * self.word(args, divisor)

    def placer(self, depth: int) -> Callable[..., int]:
        """See ``runtime.vector.scalars.placer``."""

        def place(args: Any, start: int, strides: int, divisors: int, position: int) -> int:
            total, left = start, position
            for d in range(depth - 1, -1, -1):
                here = left
                if d:
                    here, left = self.rest(args, divisors + 3 * d, left), self.over(args, divisors + 3 * d, left)
                total += here * self.word(args, strides + d)
            return total

        return place

    def unpack(self, args: Any, count: int) -> tuple[int, ...]:
        """The first ``count`` words."""
        return tuple(self.word(args, k) for k in range(count))

    def copy_element(self, to: int, source: int, item: int) -> None:
        """Copies ``item`` bytes."""
        self.memory.at(to, item, item)[:] = self.memory.at(source, item, item)

    def zero_element(self, to: int, item: int) -> None:
        """Writes ``item`` zero bytes."""
        self.memory.at(to, item, item)[:] = 0

    def uniform(self, kind: str, lanes: int) -> Callable[..., Vector]:
        """See ``runtime.vector.philox.uniform``."""
        return lambda *draw: Vector(kind, _unit(_philox(*draw)[0], kind))

    def normal(self, kind: str, lanes: int) -> Callable[..., Vector]:
        """See ``runtime.vector.philox.normal``."""

        def draw(*counter: Any) -> Vector:
            word0, word1 = _philox(*counter)
            u1, u2 = _unit(word0 + np.uint64(256), kind), _unit(word1, kind)
            radius = np.sqrt(np.log(u1.astype(np.float64)) * -2.0)
            return Vector(kind, radius * np.cos(2.0 * np.pi * u2.astype(np.float64)))

        return draw


_NAMES = (
    *("loader", "tail_loader", "gatherer", "broadcaster", "storer", "tail_storer", "scatterer"),
    *("scalar_loader", "scalar_storer", "vectors", "word", "put_word", "real", "whole", "over", "rest", "placer"),
    *("unpack", "copy_element", "zero_element", "uniform", "normal"),
)


def _to_memory(v: Vector, memory: str) -> Any:
    """Lanes as they lie in memory: a bool by ``!= 0``, then as a byte."""
    return convert(convert(v, "b1") if memory == "b1" else v, STORED.get(memory, memory)).lanes


def _philox(index: Vector, *key: Sequence[int]) -> Any:
    seed, stream, iteration, last = (int(k) & 0xFFFFFFFF for k in key)  # type: ignore[call-overload]
    low, high = index.lanes & np.uint64(0xFFFFFFFF), index.lanes >> np.uint64(32)
    counter = (low, high, np.full_like(low, iteration), np.full_like(low, last))
    return philox4x32(counter, (seed, stream))[:2]


def _unit(word: Any, kind: str) -> Any:
    return (word >> np.uint64(8)).astype(KINDS[kind]) * KINDS[kind](2.0**-24)
