"""How many cores this process may use."""

from __future__ import annotations

import os
from numbers import Integral

from runtime.errors import UsageError

MAX_THREADS = 256


def thread_count(threads: int | None = None) -> int:
    """``threads``, else ``NETSPEC_THREADS``, else ``usable_threads()``.

    Raises
    ------
    UsageError
        Not a whole number from 1 to 256.
    """
    if threads is not None:
        if not isinstance(threads, Integral) or isinstance(threads, bool) or not 1 <= threads <= MAX_THREADS:
            raise UsageError(f"threads is {threads!r}; use 1 to {MAX_THREADS}")
        return int(threads)
    text = os.environ.get("NETSPEC_THREADS", "").strip()
    if not text:
        return usable_threads()
    if not (text.isascii() and text.isdigit() and len(text) < 9 and 1 <= int(text) <= MAX_THREADS):
        raise UsageError(f"NETSPEC_THREADS is {text[:40]!r}; use a whole number from 1 to {MAX_THREADS}")
    return int(text)


def usable_threads() -> int:
    """Cores this process may use: its affinity, cut by a cgroup's quota."""
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quota = _cgroup_quota()
    return max(1, min(count, MAX_THREADS, quota if quota else count))


def crew(threads: int) -> int:
    """How many of ``threads`` are of use at once: no more than cores."""
    return min(threads, usable_threads())


def _cgroup_quota() -> int | None:
    """Whole cores a cgroup (version 2 or 1) grants, None without a limit."""
    try:
        with open("/sys/fs/cgroup/cpu.max", encoding="ascii") as file:
            limit, period = file.read().split()
    except (OSError, ValueError):
        try:
            with open("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", encoding="ascii") as file:
                limit = file.read().strip()
            with open("/sys/fs/cgroup/cpu/cpu.cfs_period_us", encoding="ascii") as file:
                period = file.read().strip()
        except OSError:
            return None
    if limit == "max" or int(limit) <= 0 or int(period) <= 0:
        return None
    return max(1, -(-int(limit) // int(period)))
