"""The names of ``runtime.cuda.ptx`` and ``ptx_copies``: copies that arrive late, fragments, and tensor cores in NumPy.

Written after NVIDIA's description of the instructions, not after our kernels: a
kernel that gives a fragment to the wrong thread gets a wrong product.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from runtime.cuda.emulator.faults import Fault
from runtime.cuda.emulator.simt import WARP, Request, collective
from runtime.cuda.emulator.values import Vector

if TYPE_CHECKING:
    from runtime.cuda.emulator.machine import Machine

CHUNK = 16
"""Bytes of a copy."""

Copy = tuple[int, Any]
"""A copy under way: shared address, bytes."""


class Tensor:
    """What a thread that a machine runs has in flight, and what its warp does together."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self._block: Any = None
        self._open: dict[int, list[Copy]] = defaultdict(list)
        self._groups: dict[int, list[list[Copy]]] = defaultdict(list)

    def names(self) -> dict[str, Any]:
        """What kernels may import, by name."""
        return {
            "row_copier": self.row_copier,
            "place_copier": self.place_copier,
            "window_copier": self.window_copier,
            "line_copier": self.line_copier,
            "tap_copier": self.tap_copier,
            "marker": marker,
            "commit": self.commit,
            "waiter": self.waiter,
            "fragments_along_k": self.fragments_along_k,
            "fragments_along_rows": self.fragments_along_rows,
            "multiply_tf32": _multiplier("multiply_tf32", _tf32),
            "multiply_bf16": _multiplier("multiply_bf16", _bf16),
            "blank": lambda count: lambda: (Vector("f32", np.zeros(4)),) * count,
            "keeper": self.keeper,
        }

    def _copy(self, to: int, source: int, size: int) -> None:
        """Starts a copy: its place belongs to this thread from now on, and holds nothing until the wait."""
        m = self.machine
        if self._block is not m.shared:
            self._block = m.shared
            self._open.clear()
            self._groups.clear()
        if size not in (0, 4, 8, 12, 16):
            raise Fault(f"thread {m.thread} copies {size} bytes asynchronously")
        if source % CHUNK and size:
            raise Fault(f"thread {m.thread} copies from address {source:#x}, no multiple of {CHUNK}")
        data: Any = np.zeros(CHUNK, np.uint8)
        if size:
            data[:size] = m.memory.at(source, size)
        m.shared.write(m.thread, to, np.full(CHUNK, 0xFF, np.uint8), CHUNK)
        m.shared.forget(to, CHUNK)
        self._open[m.thread].append((to, data))

    def row_copier(self, passes: int, lines: int) -> Callable[..., None]:
        """See ``runtime.cuda.ptx_copies.row_copier``."""

        def copy(to: int, source: int, step: int, size: int, left: int) -> None:
            for n in range(passes):
                self._copy(to + n * lines * 128, source + n * step, size if n * lines < left else 0)

        return copy

    def place_copier(self, passes: int, lines: int) -> Callable[..., None]:
        """See ``runtime.cuda.ptx_copies.place_copier``."""

        def copy(to: int, ahead: int, size: int, left: int, *rows: int) -> None:
            for n, row in enumerate(rows):
                self._copy(to + n * lines * 128, row + ahead, size if n * lines < left else 0)

        return copy

    def window_copier(self, passes: int, lines: int) -> Callable[..., None]:
        """See ``runtime.cuda.ptx_copies.window_copier``."""

        def copy(to: int, ahead: int, size: int, wanted: int, *rows: int) -> None:
            for n in range(passes):
                there = rows[passes + n] & wanted == wanted
                self._copy(to + n * lines * 128, rows[n] + ahead, size if there else 0)

        return copy

    def line_copier(self, chunks: int) -> Callable[..., None]:
        """See ``runtime.cuda.ptx_copies.line_copier``."""

        def copy(to: int, source: int, k: int, length: int, *sizes: int) -> None:
            for n, size in enumerate(sizes):
                self._copy(to + n * 128, source + n * 128, size if k < length else 0)

        return copy

    def tap_copier(self, chunks: int) -> Callable[..., None]:
        """See ``runtime.cuda.ptx_copies.tap_copier``."""

        def copy(to: int, source: int, k: int, length: int, h: int, w: int, *parts: int) -> None:
            height, width, *values = parts
            for n in range(chunks):
                tap, down, right, size = values[n::chunks]
                inside = 0 <= h + down < height and 0 <= w + right < width and k < length
                self._copy(to + n * 128, source + tap, size if inside else 0)

        return copy

    def commit(self) -> None:
        """Closes a group."""
        thread = self.machine.thread
        self._groups[thread].append(self._open.pop(thread, []))

    def waiter(self, behind: int) -> Callable[[], None]:
        """``wait()``: all groups of the thread arrive but the last ``behind``."""

        def wait() -> None:
            m = self.machine
            groups = self._groups[m.thread]
            while len(groups) > behind:
                for to, data in groups.pop(0):
                    m.shared.write(m.thread, to, data, CHUNK)

        return wait

    def fragments_along_k(self, math: str) -> Callable[[int, int, int], Request]:
        """See ``runtime.cuda.ptx.fragments_along_k``."""

        def loads(places: list[int], i: int, n: int) -> list[Vector]:
            m = self.machine
            rows = [
                m.shared.read(m.thread + lane, (p ^ 32 * n) + i * 2048, CHUNK, CHUNK).view(np.uint32)
                for lane, p in enumerate(places)
            ]
            # thread 4 i + j gets word j of row i of each of the four matrices
            return [Vector("u32", [rows[8 * k + lane // 4][lane % 4] for k in range(4)]) for lane in range(WARP)]

        def read(args: list[tuple[Any, ...]]) -> list[Any]:
            _, n, i = args[0]
            return _rounded(math, n, partial(loads, [a[0] for a in args], i))

        @collective
        def fragment(address: int, n: int, i: int) -> Request:
            return Request(f"fragment {n} {i}", (address, n, i), read)

        return fragment

    def fragments_along_rows(self, math: str, pitch: int, left: bool) -> Callable[[int, int, int], Vector]:
        """See ``runtime.cuda.ptx.fragments_along_rows``."""
        first, second = (32, 4 * pitch) if left else (4 * pitch, 32)

        def loads(address: int, i: int, n: int) -> list[Vector]:
            m, start = self.machine, address + 8 * n * pitch + 64 * i
            places = (start, start + first, start + second, start + first + second)
            return [Vector("u32", [m.shared.read(m.thread, p, 4, 4).view(np.uint32)[0] for p in places])]

        return lambda address, n, i: _rounded(math, n, partial(loads, address, i))[0]

    def keeper(self, wide: int, pitch: int) -> Callable[..., None]:
        """See ``runtime.cuda.ptx.keeper``."""

        def keep(address: int, *sums: Vector) -> None:
            m = self.machine
            for n, v in enumerate(sums):
                for half in (0, 1):
                    place = address + ((16 * (n // wide) + 8 * half) * pitch + 8 * (n % wide)) * 4
                    m.shared.write(m.thread, place, v.lanes[2 * half : 2 * half + 2].view(np.uint8), 8)

        return keep


def marker(count: int) -> Callable[..., tuple[int, ...]]:
    """See ``runtime.cuda.ptx_copies.marker``."""

    def mark(moved: int, size: int, bit: int, *values: int) -> tuple[int, ...]:
        pairs = zip(values[:count], values[count:], strict=True)
        return tuple(mask | (0 <= x + moved < size) << bit for x, mask in pairs)

    return mark


def _rounded(math: str, n: int, load: Callable[[int], list[Vector]]) -> list[Vector]:
    """Fragments of instruction n for some threads, from words that ``load`` gives by 8 places along k."""
    if math == "tf32":
        return [round_tf32(v) for v in load(n)]
    return [pack_bf16(v, w) for v, w in zip(load(2 * n), load(2 * n + 1), strict=True)]


def _finite(words: Any) -> Any:
    return words & np.uint32(0x7F800000) != 0x7F800000


def round_tf32(v: Vector) -> Vector:
    """To 10 bits behind the point, ties away from 0."""
    rounded = v.lanes + np.uint32(0x1000) & np.uint32(0xFFFFE000)
    return v.new(np.where(_finite(v.lanes), rounded, v.lanes))


def pack_bf16(v: Vector, w: Vector) -> Vector:
    """Each lane's pair as bf16, v in the low half; ties to even."""

    def half(words: Any) -> Any:
        rounded = words + np.uint32(0x7FFF) + (words >> np.uint32(16) & np.uint32(1))
        nan = np.isnan(words.view(np.float32))
        return np.where(nan, np.uint32(0x7FFF), np.where(_finite(words), rounded, words) >> np.uint32(16))

    return v.new(half(v.lanes) | half(w.lanes) << np.uint32(16))


def _tf32(registers: Any) -> Any:
    """Registers (lane, n) as the elements they hold, (lane, n, 1): a tensor core drops the last 13 bits."""
    return (registers & np.uint32(0xFFFFE000)).view(np.float32)[:, :, None]


def _bf16(registers: Any) -> Any:
    """Registers (lane, n) as the elements they hold, (lane, n, 2), the low half first."""
    halves = np.stack([registers << np.uint32(16), registers & np.uint32(0xFFFF0000)], axis=2)
    return halves.view(np.float32)


def _multiplier(name: str, elements: Callable[[Any], Any]) -> Callable[..., Request]:
    """Sums + left * rights, each 16 x 8: products exact, summed in more than float32, rounded once."""

    def resolve(args: list[tuple[Any, ...]]) -> list[Any]:
        count = (len(args[0]) - 1) // 3
        left = _matrix(elements(np.stack([a[0].lanes for a in args])), (2, 2))
        sums = [list(a[1 + count :]) for a in args]
        for j in range(2 * count):
            half = slice(2 * (j % 2), 2 * (j % 2) + 2)
            right = _matrix(elements(np.stack([a[1 + j // 2].lanes[half] for a in args])), (2, 1))
            # rows g and g + 8, columns 2 t and 2 t + 1 of each thread
            product = (left @ right.T).reshape(2, 8, 4, 2).transpose(1, 2, 0, 3).reshape(WARP, 4)
            for lane in range(WARP):
                sums[lane][j] = Vector("f32", (sums[lane][j].lanes + product[lane]).astype(np.float32))
        return [tuple(s) for s in sums]

    @collective
    def multiply(*args: Vector) -> Request:
        return Request(name, args, resolve)

    return multiply


def _matrix(held: Any, tiles: tuple[int, int]) -> Any:
    """The matrix, float64, of which thread 4 g + t holds (thread, register, element).

    Registers go through ``tiles`` of 8 rows, rows fastest: (along k, along rows).
    """
    along, down = tiles
    parts = held.reshape(8, 4, along, down, -1).transpose(3, 0, 2, 1, 4)
    return parts.reshape(8 * down, -1).astype(np.float64)
