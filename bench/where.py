"""Where the time of a step goes: its plan's steps by kernel and way, against the roofline."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

Group = dict[str, Any]


def groups(timed: Iterable[tuple[str, float, int, int]], peak: float, bandwidth: float) -> list[Group]:
    """Sums by kind, the longest first.

    Parameters
    ----------
    timed
        For each step its kind, seconds, arithmetic and bytes moved.
    peak, bandwidth
        Arithmetic and bytes a second that the cores reach.

    Returns
    -------
    list
        ``kind``, ``steps``, ``s``, ``flops``, ``bytes`` and ``bound_s``: what the steps would take if each did its
        arithmetic at the peak or moved its bytes at the bandwidth, whichever is longer. An algorithm that needs
        less arithmetic, and data that is still in a cache, can be faster.
    """
    found: dict[str, Group] = {}
    for kind, seconds, flops, moved in timed:
        group = found.setdefault(kind, {"kind": kind, "steps": 0, "s": 0.0, "flops": 0, "bytes": 0, "bound_s": 0.0})
        group["steps"] += 1
        group["s"] += seconds
        group["flops"] += flops
        group["bytes"] += moved
        group["bound_s"] += max(flops / peak, moved / bandwidth)
    return sorted(found.values(), key=lambda group: -group["s"])


def leading(found: list[Group], share: float = 0.04) -> list[Group]:
    """The groups with at least this share of the time, and the others as one."""
    whole = sum(group["s"] for group in found)
    large = [group for group in found if group["s"] >= share * whole]
    small = [group for group in found if group["s"] < share * whole]
    if not small:
        return large
    rest: Group = {key: sum(group[key] for group in small) for key in ("steps", "s", "flops", "bytes", "bound_s")}
    return [*large, {"kind": "other", **rest}]
