"""The team of threads that walks plans (kernels/walker.py), one per number of threads in a process.

A thread enters native code once and stays; between walks it spins for a moment, then sleeps on a futex.
The calling thread is member 0. ``atexit`` sends the others home; a child made
by ``fork`` has none of them and starts its own when it needs one.
"""

from __future__ import annotations

import atexit
import ctypes
import os
import threading
from typing import Any

import numpy as np

from runtime.cpu.cores import crew, usable_threads
from runtime.cpu.isa import CpuTarget
from runtime.cpu.launch import kernel_file
from runtime.cpu.objects import kernel_cache
from runtime.vector.kernel import Kernel

SPIN_NS = 100_000
"""How long a member spins at a barrier before it sleeps: a sleeper takes 12 to 27 us to wake, or more where
the scheduler must find it a core."""

_LEAVE, _SPIN, _TEAM, _MEMBERS = 16, 32, 33, 40
"""Words of the control block (kernels/walker.py); behind it a cache line a member."""

_SET_HEAD, _SETS = 64, 8
"""Words of a set besides the table and the counters; how many sets there may be."""

_FUNCTION = ctypes.CFUNCTYPE(None, *[ctypes.c_int64] * 4)

_teams: dict[tuple[int, CpuTarget], Team] = {}
_making = threading.Lock()


class Team:
    """``threads`` members, the calling thread included; use ``team()``, which shares them.

    ``gone`` is True in a forked child of the process that made it.
    """

    def __init__(self, threads: int, target: CpuTarget) -> None:
        kernel = walker(target)
        self.threads = threads
        self.gone = False
        self._function: Any = _FUNCTION(kernel_cache(target).load([kernel])[kernel])
        self._lock = threading.Lock()
        self._control = _cache_lines(_MEMBERS + 8 * threads)
        self._address = self._control.ctypes.data
        # ticks of the time-stamp counter, 2 to 4 a ns; waiting for a core that we ourselves hold is useless
        self._control[_SPIN] = 2 * SPIN_NS if threads <= usable_threads() else 2000
        self._control[_TEAM] = threads
        self._control[_MEMBERS::8] = self._control[_SPIN]
        self._inside = self._control[_MEMBERS + 1 :: 8]
        self._sets: list[_Set] = []
        self._outgrown: list[_Set] = []  # a late member may still look at them
        self._workers = [
            threading.Thread(target=self._function, args=(self._address, 0, 0, t), name=f"netspec-{t}", daemon=True)
            for t in range(1, threads)
        ]
        for worker in self._workers:
            worker.start()

    def walk(self, table: np.ndarray, status: np.ndarray, stamps: np.ndarray | None = None) -> None:
        """Runs the launches of ``table``: int64 rows (function, args, chunks, barrier).

        ``status`` is one int64 word; a launch that makes it other than 0 stops
        the walk at the next barrier. With ``stamps`` (launches + 1 words) every
        launch gets a barrier, and the times in ns at which they ended are left
        there; of those that did not run, the time of the one before.
        """
        self.run(Order(table, status, stamps))
        if stamps is not None and len(table):
            np.maximum.accumulate(stamps, out=stamps)

    def run(self, order: Order) -> None:
        """Walks what ``order`` holds."""
        if order.launches:
            with self._lock:
                self._function(self._address, self._free_set(order.launches), order.address, 0)

    def _free_set(self, launches: int) -> int:
        """The address of a set with room for so many launches, in which no late member is (it waits otherwise)."""
        words = _SET_HEAD + (4 + 8 * self.threads) * launches
        busy = self._inside.tolist()
        for one in self._sets:
            if one.address not in busy and len(one.words) >= words:
                return one.address
        self._outgrown += [one for one in self._sets if len(one.words) < words]
        self._sets = [one for one in self._sets if len(one.words) >= words]
        if len(self._sets) == _SETS:
            return self._sets[0].address
        self._sets.append(_Set(_cache_lines(words)))
        return self._sets[-1].address

    def stop(self) -> None:
        """Sends the members home; the team is of no use afterwards."""
        with self._lock:
            self._control[_LEAVE] = 1
            # an empty walk rings the doorbell; the others read LEAVE before anything else
            nothing = Order(np.zeros((0, 4), np.int64), np.zeros(1, np.int64))
            self._function(self._address, self._free_set(0), nothing.address, 0)
            for worker in self._workers:
                worker.join(timeout=1.0)


class Order:
    """A table made ready for any number of walks; the parameters are those of ``Team.walk``."""

    def __init__(self, table: np.ndarray, status: np.ndarray, stamps: np.ndarray | None = None) -> None:
        self.launches = len(table)
        self._kept = table, status, stamps
        where = 0 if stamps is None else stamps.ctypes.data
        self._words = np.array([table.ctypes.data, self.launches, status.ctypes.data, where], np.int64)
        self.address: int = self._words.ctypes.data


class _Set:
    """Words for one walk: a copy of the table, its counters."""

    def __init__(self, words: np.ndarray) -> None:
        self.words = words
        self.address: int = words.ctypes.data


def _cache_lines(words: int) -> np.ndarray:
    """Zeroed words from the start of a cache line on; numpy aligns to 16 bytes."""
    room = np.zeros(words + 8, np.int64)
    skip = -(room.ctypes.data // 8) % 8
    return room[skip : skip + words]


def walker(target: CpuTarget) -> Kernel:
    """The kernel that walks a table of launches."""
    clock = 1 if os.uname().sysname == "Linux" else 6
    return kernel_file("walker", X86=target.x86, FUTEX=target.futex, CLOCK=clock)


def team(threads: int, target: CpuTarget) -> Team:
    """The process's team of this size, started on first use; of no more members than cores.

    More would only keep each other from their cores, and no result depends on the number.
    """
    threads = crew(threads)
    with _making:
        found = _teams.get((threads, target))
        if found is None:
            found = _teams[threads, target] = Team(threads, target)
        return found


def _stop_all() -> None:
    for one in list(_teams.values()):
        one.stop()
    _teams.clear()


def _forget() -> None:
    """In a forked child: the threads are gone, and a lock may have been held by one of them."""
    global _making
    _making = threading.Lock()
    for one in _teams.values():
        one.gone = True
    _teams.clear()


atexit.register(_stop_all)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
