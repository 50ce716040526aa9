"""Input on its way to a GPU: page-locked memory, a second stream, two slots that take turns.

What is fed lies in the order of the plan's view but dense, first in a slot of
the host, then in the slot's twin on the GPU. The run that takes it begins with
a copy from there to the view. While a run is busy with one slot, the next batch
goes into the other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from runtime.cuda.gpu import Gpu
from runtime.cuda.memory import ALIGNMENT, Pinned, Room, strided
from runtime.plan import View

SLOTS = 2

STAGED = "staged"
"""Memory of both slots on the GPU, one behind the other."""


@dataclass(frozen=True)
class Fed:
    """An input that waits in a slot."""

    name: str
    slot: int


def dense(view: View, memory: str, offset: int) -> View:
    """The view's elements in the same order without gaps."""
    strides, size = [0] * len(view.shape), 1
    for axis in sorted(range(len(view.shape)), key=lambda a: (view.strides[a], -a)):
        strides[axis] = size
        size *= view.shape[axis]
    return replace(view, memory=memory, offset=offset, strides=tuple(strides), halo=(0, 0))


def is_dense(view: View) -> bool:
    """Whether nothing lies between the view's elements."""
    low, high = view.extent()
    return low == view.offset and high - low == prod(view.shape) * view.item_bytes


class Staging:
    """The slots of a plan's inputs; memory is taken when the first one is fed.

    Parameters
    ----------
    gpu
        Where they go.
    inputs
        The plan's views by name.
    """

    def __init__(self, gpu: Gpu, inputs: Mapping[str, View]) -> None:
        self._gpu = gpu
        self._views: dict[str, View] = {}
        size = 0
        for name, view in inputs.items():
            self._views[name] = dense(view, STAGED, size)
            size += -(-view.count * view.item_bytes // ALIGNMENT) * ALIGNMENT
        self.slot_bytes = size
        self.size = SLOTS * size
        self._pinned = Pinned(gpu, self.size)
        try:
            self.room = Room(gpu, self.size, "the input")
        except BaseException:
            self._pinned.close()
            raise
        # cleared on one stream, filled on the other: a clearing that is late would take the first input away
        gpu.driver.wait(gpu.stream)
        self._sent = gpu.driver.event()
        self._slot = 0
        self._objects: dict[str, Any] = {}
        self._waiting: dict[str, Fed] = {}

    def view(self, fed: Fed) -> View:
        """Where an input of a slot lies, in the memory ``staged``."""
        there = self._views[fed.name]
        return replace(there, offset=there.offset + fed.slot * self.slot_bytes)

    def place(self, name: str) -> NDArray[Any]:
        """The array of the host to write an input into; ``send`` it then."""
        if name in self._objects:  # the slot's last content may still be on its way
            self._gpu.driver.wait(self._gpu.copies)
        view = self.view(Fed(name, self._slot))
        low, high = view.extent()
        return strided(view, self._pinned.bytes[low:high])

    def send(self, name: str, array: object) -> None:
        """Copies what was written for an input; ``array`` is what it was written from."""
        low, high = self.view(Fed(name, self._slot)).extent()
        if high > low:
            self._gpu.driver.upload(self.room.address + low, self._pinned.address + low, high - low, self._gpu.copies)
        self._objects[name] = array

    def has(self, name: str, array: object) -> bool:
        """Whether this very object was sent ahead for the next run; what was fed may have changed since."""
        return name not in self._waiting and isinstance(array, np.ndarray) and self._objects.get(name) is array

    def want(self, name: str) -> None:
        """The next run takes what was sent of an input."""
        self._waiting[name] = Fed(name, self._slot)

    def take(self) -> tuple[Fed, ...]:
        """What the run that begins now takes; the main stream waits until it is there."""
        taken = tuple(self._waiting.values())
        if taken:
            driver = self._gpu.driver
            driver.record(self._sent, self._gpu.copies)
            driver.after(self._gpu.stream, self._sent)
            self._slot = (self._slot + 1) % SLOTS
            self._waiting.clear()
            self._objects.clear()
        return taken

    def close(self) -> None:
        """Frees everything."""
        self._gpu.driver.wait(self._gpu.copies)
        self._gpu.driver.end_event(self._sent)
        self.room.close()
        self._pinned.close()
