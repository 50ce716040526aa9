"""The machine that a net is compiled for, as the compiler sees it."""

from __future__ import annotations

from compiler.target import Target
from runtime.executor import traits

SMALL = "small"
"""The value of ``memory`` that computes maps again in the backward steps."""


def target_of(device: str, dtype: str, math: str = "fast", memory: str = "normal") -> Target:
    """The target of a device by name (``cuda:1`` too) for a spec's ``math`` and ``memory``.

    Raises
    ------
    UsageError
        An unknown device.
    """
    found = traits(device)
    return Target(
        device.partition(":")[0],
        dtype,
        vector_bytes=found.vector_bytes,
        algorithms=found.ways,
        halo=found.halo,
        fused_updates=found.fused_updates,
        math=math,
        small=memory == SMALL,
    )
