"""How much memory there is, asked before any is taken."""

from __future__ import annotations

from pathlib import Path

from runtime.errors import ResourceError

UNITS = ("bytes", "KB", "MB", "GB", "TB", "PB")


def available() -> int | None:
    """Bytes this process may still take: MemAvailable, less if a cgroup limits it; None if unknown."""
    known = [n for n in (_mem_available(), _cgroup_left()) if n is not None]
    return min(known) if known else None


def require(needed: int, what: str, remedy: str) -> None:
    """Raises ResourceError if ``needed`` bytes are more than there are.

    Parameters
    ----------
    needed
        Bytes about to be allocated.
    what
        Whose memory it is, for the message.
    remedy
        What a user can do.
    """
    have = available()
    if have is not None and needed > have:
        raise ResourceError(f"{what} needs {readable(needed)} of memory, {readable(have)} are available: {remedy}")


def readable(count: float) -> str:
    """Bytes in words: 3.6 TB."""
    for unit in UNITS:
        if count < 1000 or unit == UNITS[-1]:
            return f"{count:.0f} {unit}" if unit == "bytes" else f"{count:.3g} {unit}"
        count /= 1000
    raise AssertionError(count)


def _mem_available() -> int | None:
    table = Path("/proc/meminfo")
    if not table.exists():
        return None
    for line in table.read_text(encoding="ascii").splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    return None


def _cgroup_left() -> int | None:
    limit, used = Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory.current")
    if not (limit.exists() and used.exists()):
        return None
    text = limit.read_text(encoding="ascii").strip()
    return None if text == "max" else int(text) - int(used.read_text(encoding="ascii"))
