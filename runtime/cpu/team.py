"""The team of threads that walks plans (kernels/walker.py), one per number of threads in a process.

A thread enters native code once and stays; between walks it sleeps on a futex.
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

from runtime.cache import kernel_cache
from runtime.cpu.cores import usable_threads
from runtime.cpu.isa import CpuTarget
from runtime.cpu.launch import kernel_file

SPIN_NS = 20_000
"""How long a member spins at a barrier before it sleeps: a sleeper takes 12 to 27 us to wake."""

_WORDS = 64
_DOORBELL, _DOORBELL_PARKED, _LEAVE, _TABLE, _SPIN, _TEAM = 0, 8, 16, 56, 60, 61
_FUNCTION = ctypes.CFUNCTYPE(None, *[ctypes.c_int64] * 4)

_teams: dict[tuple[int, CpuTarget], Team] = {}
_making = threading.Lock()


class Team:
    """``threads`` members, the calling thread included; use ``team()``, which shares them.

    ``gone`` is True in a forked child of the process that made it.
    """

    def __init__(self, threads: int, target: CpuTarget) -> None:
        clock = 1 if os.uname().sysname == "Linux" else 6
        kernel = kernel_file("walker", X86=target.x86, FUTEX=target.futex, CLOCK=clock)
        self.threads = threads
        self.gone = False
        self._function: Any = _FUNCTION(kernel_cache(target).load([kernel])[kernel])
        self._lock = threading.Lock()
        # a numpy array is 16-byte aligned; the control words want their own cache lines
        room = np.zeros(_WORDS + 8 * threads + 8, np.int64)
        skip = -(room.ctypes.data // 8) % 8
        self._control = room[skip : skip + _WORDS + 8 * threads]
        self._address = self._control.ctypes.data
        self._counters = np.zeros(0, np.int64)
        # ticks of the time-stamp counter, 2 to 4 a ns; waiting for a core that we ourselves hold is useless
        self._control[_SPIN] = 2 * SPIN_NS if threads <= usable_threads() else 2000
        self._control[_TEAM] = threads
        self._control[_WORDS:] = self._control[_SPIN]
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
        launch gets a barrier, and the times in ns at which they ended are left there.
        """
        launches = len(table)
        if launches == 0:
            return
        with self._lock:
            lines = launches * self.threads
            if len(self._counters) < 8 * lines + 8:
                self._counters = np.zeros(8 * lines + 8, np.int64)
            counters = -(-self._counters.ctypes.data // 64) * 64
            where = 0 if stamps is None else stamps.ctypes.data
            self._control[_TABLE : _TABLE + 4] = table.ctypes.data, launches, counters, status.ctypes.data
            self._control[_TEAM + 1] = where
            self._function(self._address, 0, 0, 0)

    def stop(self) -> None:
        """Sends the members home; the team is of no use afterwards."""
        with self._lock:
            self._control[_LEAVE] = 1
            # no launches; what the last walk left may be gone, or there never was one
            status = np.zeros(1, np.int64)
            self._control[_TABLE : _TABLE + 4] = 0, 0, 0, status.ctypes.data
            self._control[_TEAM + 1] = 0
            alone, self._control[_TEAM] = int(self._control[_TEAM]), 1
            # an empty walk rings the doorbell; the others read LEAVE before anything else
            self._function(self._address, 0, 0, 0)
            self._control[_TEAM] = alone
            for worker in self._workers:
                worker.join(timeout=1.0)


def team(threads: int, target: CpuTarget) -> Team:
    """The process's team of this size, started on first use."""
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
