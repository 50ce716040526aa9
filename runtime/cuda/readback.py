"""What the host wants of every run: the status word and the small outputs, copied as the run's last act."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray

from runtime.cuda.gpu import Gpu
from runtime.cuda.memory import Pinned, Room, strided
from runtime.plan import Plan, View

SMALL = 4096
"""Bytes: up to here an output is copied with every run, beyond when it is asked for."""

STATUS_BYTES = 8


class Readback:
    """Page-locked copies of the small outputs of a plan.

    Parameters
    ----------
    gpu
        Where they are made.
    plan
        Its outputs, and its loss.
    rooms
        The memories that they lie in.
    """

    def __init__(self, gpu: Gpu, plan: Plan, rooms: Mapping[str, Room]) -> None:
        self._gpu = gpu
        places: dict[tuple[str, int, int], int] = {("status", 0, STATUS_BYTES): 0}
        size = STATUS_BYTES
        for view in [*plan.outputs.values(), *([plan.loss] if plan.loss is not None else [])]:
            low, high = view.extent()
            if view.memory == "arena" and 0 < high - low <= SMALL and (view.memory, low, high) not in places:
                places[view.memory, low, high] = size
                size += -(-(high - low) // 8) * 8
        self._places = places
        self._pinned = Pinned(gpu, size)
        self._copies = [
            (self._pinned.address + to, rooms[memory].address + low, high - low)
            for (memory, low, high), to in places.items()
        ]

    def copy(self) -> None:
        """Puts the copies on the stream."""
        for to, source, size in self._copies:
            self._gpu.driver.download(to, source, size, self._gpu.stream)

    @property
    def status(self) -> int:
        """The status word of the last run that is over."""
        return int(self._pinned.bytes[:STATUS_BYTES].view("i8")[0])

    def array(self, view: View) -> NDArray[Any] | None:
        """A copy of the elements of a view at the end of the last run, None if it is not among ours."""
        low, high = view.extent()
        to = self._places.get((view.memory, low, high))
        return None if to is None else strided(view, self._pinned.bytes[to : to + high - low]).copy()

    def close(self) -> None:
        """Frees the copies."""
        self._pinned.close()
