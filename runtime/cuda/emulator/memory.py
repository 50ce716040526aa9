"""The memories of an emulated GPU: global memory by regions, a block's shared memory with its history."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
from numpy.typing import NDArray

from runtime.cuda.emulator.faults import Fault

Bytes = NDArray[np.uint8]
NOBODY, MANY = -1, -2


class GlobalMemory:
    """Host arrays that kernels reach by address."""

    def __init__(self) -> None:
        self._regions: dict[int, Bytes] = {}
        self._last: tuple[int, int, Bytes] = (0, 0, np.zeros(0, np.uint8))

    def add(self, address: int, room: Bytes) -> None:
        """Makes ``room`` reachable from ``address`` on."""
        self._regions[address] = room

    def remove(self, address: int) -> None:
        """Takes a region away."""
        del self._regions[address]
        self._last = (0, 0, np.zeros(0, np.uint8))

    def at(self, address: int, size: int, align: int = 1) -> Bytes:
        """The ``size`` bytes at an address, not copied.

        Raises
        ------
        Fault
            They are in no region, or the address is no multiple of ``align``.
        """
        start, end, room = self._last
        if not (start <= address and address + size <= end):
            start, end, room = self._find(address, size)
            self._last = start, end, room
        if address % align:
            raise Fault(f"address {address:#x} of {size} bytes is no multiple of {align}")
        return room[address - start : address - start + size]

    def _find(self, address: int, size: int) -> tuple[int, int, Bytes]:
        for start, room in self._regions.items():
            if start <= address and address + size <= start + len(room):
                return start, start + len(room), room
        raise Fault(f"{size} bytes at {address:#x} are outside of every allocation")


class SharedMemory:
    """A block's shared memory: bytes, who wrote and read each since the last barrier, and how banks were hit.

    Parameters
    ----------
    size
        Bytes.
    """

    def __init__(self, size: int) -> None:
        self.bytes = np.full(size, 0xFF, np.uint8)
        self._written = np.zeros(size, bool)
        self._writer = np.full(size, NOBODY, np.int32)
        self._reader = np.full(size, NOBODY, np.int32)
        self._hits: dict[tuple[int, int, str], list[tuple[int, int, int]]] = defaultdict(list)
        self._turn: dict[int, int] = defaultdict(int)
        self.accesses = self.conflicts = 0

    def barrier(self) -> None:
        """All threads have met: what was written is everybody's."""
        self._writer[:] = self._reader[:] = NOBODY
        self._count_conflicts()

    def read(self, thread: int, address: int, size: int, align: int = 1) -> Bytes:
        """Bytes that a thread reads.

        Raises
        ------
        Fault
            Out of bounds, misaligned, never written, or written by another thread since the last barrier.
        """
        part = self._part(thread, address, size, align, "read")
        if not self._written[part].all():
            raise Fault(f"thread {thread} reads shared byte {address}, which nobody wrote")
        others = self._writer[part]
        if ((others != NOBODY) & (others != thread)).any():
            raise Fault(
                f"thread {thread} reads shared byte {address}, written by thread {_other(others, thread)} "
                "since the last barrier"
            )
        seen = self._reader[part]
        self._reader[part] = np.where((seen == NOBODY) | (seen == thread), thread, MANY)
        return self.bytes[part]

    def write(self, thread: int, address: int, data: Bytes, align: int = 1) -> None:
        """Bytes that a thread writes.

        Raises
        ------
        Fault
            Out of bounds, misaligned, or touched by another thread since the last barrier.
        """
        part = self._part(thread, address, len(data), align, "write")
        for what, others in (("read", self._reader[part]), ("written", self._writer[part])):
            if ((others != NOBODY) & (others != thread)).any():
                raise Fault(
                    f"thread {thread} writes shared byte {address}, {what} by thread {_other(others, thread)} "
                    "since the last barrier"
                )
        self.bytes[part] = data
        self._written[part] = True
        self._writer[part] = thread

    def forget(self, address: int, size: int) -> None:
        """These bytes count as not written: a copy to them is under way."""
        self._written[address : address + size] = False

    def _part(self, thread: int, address: int, size: int, align: int, what: str) -> slice:
        if not 0 <= address <= len(self.bytes) - size:
            raise Fault(f"thread {thread}: {size} bytes at shared byte {address} of {len(self.bytes)}")
        if address % align:
            raise Fault(f"thread {thread}: shared address {address} of {size} bytes is no multiple of {align}")
        turn = self._turn[thread]
        self._turn[thread] = turn + 1
        self._hits[thread // 32, turn, what].append((thread % 32, address, size))
        return slice(address, address + size)

    def _count_conflicts(self) -> None:
        """Adds up the extra passes of each access of a warp: threads that want different words of one of 32 banks."""
        for hits in self._hits.values():
            size = hits[0][2]
            lanes = max(1, 128 // max(size, 4))  # a pass serves 128 bytes: 16-byte accesses go by quarter warps
            for first in range(0, 32, lanes):
                words: dict[int, set[int]] = defaultdict(set)
                for lane, address, _ in hits:
                    if first <= lane < first + lanes:
                        for word in range(address // 4, (address + max(size, 4) - 1) // 4 + 1):
                            words[word % 32].add(word)
                if words:
                    self.accesses += 1
                    self.conflicts += max(map(len, words.values())) - 1
        self._hits.clear()
        self._turn.clear()

    def finish(self) -> None:
        """The block is over."""
        self._count_conflicts()


def _other(threads: NDArray[np.int32], thread: int) -> str:
    found = [int(t) for t in threads if t not in (NOBODY, thread)]
    return "others" if MANY in found else str(found[0])
