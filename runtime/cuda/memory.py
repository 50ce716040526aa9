"""Memory of a GPU and what of it the host sees: rooms, page-locked memory, the twin of a net's states."""

from __future__ import annotations

import ctypes
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from runtime.cuda.gpu import Gpu
from runtime.executor import Store
from runtime.plan import NUMPY_DTYPE, View

Bytes = NDArray[np.uint8]

ALIGNMENT = 256
"""Bytes: sizes are multiples of it."""

SPARE = 16
"""Bytes behind the last element: portable kernels load whole vectors, also where the channels end."""


class Room:
    """``size`` bytes on a GPU, cleared.

    Parameters
    ----------
    gpu
        Where.
    size
        Bytes; 0 is allowed.
    what
        They are for, for messages.
    """

    def __init__(self, gpu: Gpu, size: int, what: str) -> None:
        self.gpu, self.size = gpu, -(-(size + SPARE) // ALIGNMENT) * ALIGNMENT
        self.address = gpu.driver.alloc(self.size, what)
        self.fill(0)

    def fill(self, byte: int) -> None:
        """Writes a byte everywhere, in the stream's turn."""
        self.gpu.driver.fill(self.address, byte, self.size, self.gpu.stream)

    def close(self) -> None:
        """Frees it."""
        self.gpu.driver.free(self.address)


class Pinned:
    """``size`` page-locked bytes of the host, cleared: copies to and from the GPU need not wait for them."""

    def __init__(self, gpu: Gpu, size: int) -> None:
        self._gpu = gpu
        self.address = gpu.driver.alloc_host(max(size, 1))
        whole = (ctypes.c_uint8 * max(size, 1)).from_address(self.address)
        self.bytes: Bytes = np.ctypeslib.as_array(whole)
        self.bytes[:] = 0

    def close(self) -> None:
        """Frees it; arrays over it are of no use any more."""
        self._gpu.driver.free_host(self.address)


def strided(view: View, data: Bytes) -> NDArray[Any]:
    """The elements of a view whose extent's bytes are ``data``."""
    strides = tuple(s * view.item_bytes for s in view.strides)
    offset = view.offset - view.extent()[0]
    return np.ndarray(view.shape, np.dtype(NUMPY_DTYPE[view.dtype]), data, offset, strides)


def downloaded(gpu: Gpu, address: int, size: int) -> Bytes:
    """A copy of ``size`` bytes of the GPU, once everything before it is done."""
    data = np.empty(size, np.uint8)
    if size:
        gpu.driver.download(data.ctypes.data, address, size, gpu.stream)
        gpu.driver.wait(gpu.stream)
    return data


class Twin:
    """The state memories of a store on a GPU, shared by the executors of all its plans.

    The GPU's bytes are those that count while there is a twin. The store's host
    memory mirrors what the host asked for: ``array`` downloads a view into it.
    Whoever writes there calls ``Store.changed``; what was handed out since the
    GPU last wrote states is then uploaded before anything runs or is read.

    Parameters
    ----------
    gpu, store
        Where, and of what.
    """

    def __init__(self, gpu: Gpu, store: Store) -> None:
        self.gpu, self.store = gpu, store
        self.rooms: dict[str, Room] = {}
        self._version = store.version
        self._users = 0
        self._mirrored: set[tuple[str, int, int]] = set()

    @classmethod
    def of(cls, gpu: Gpu, store: Store) -> Twin:
        """The twin of a store on a GPU, for one user more."""
        found = store.twins.get(gpu)
        if found is None:
            found = store.twins[gpu] = cls(gpu, store)
        assert isinstance(found, Twin)
        found._users += 1
        try:
            found._grow()
        except BaseException:
            found.close()  # who failed to open has nothing to close
            raise
        return found

    def _grow(self) -> None:
        """Makes room for memories that the store has and the GPU has not; their bytes are the host's."""
        for name, memory in self.store.memories.items():
            if memory.size and name not in self.rooms:
                self.rooms[name] = Room(self.gpu, memory.size, "the net's state")
                self._upload([(name, 0, memory.size)])

    def close(self) -> None:
        """One user less; the last one takes everything back to the host."""
        self._users -= 1
        if self._users:
            return
        self.refresh()
        for name, room in self.rooms.items():
            memory = self.store.memories[name]
            self.gpu.driver.download(memory.address, room.address, memory.size, self.gpu.stream)
        self.gpu.wait()
        for room in self.rooms.values():
            room.close()
        self.rooms.clear()
        del self.store.twins[self.gpu]

    def array(self, view: View) -> NDArray[Any]:
        """The elements of a view, over the host's mirror, as they are now."""
        self.refresh()
        low, high = view.extent()
        place = (view.memory, low, high)
        if high > low and place not in self._mirrored:
            memory, room = self.store.memories[view.memory], self.rooms[view.memory]
            self.gpu.driver.download(memory.address + low, room.address + low, high - low, self.gpu.stream)
            self.gpu.driver.wait(self.gpu.stream)
            self._mirrored.add(place)
        return self.store.array(view)

    def refresh(self) -> None:
        """Uploads what the host may have written, if it said that it did."""
        if self._version != self.store.version:
            self._upload(sorted(self._mirrored))
            self._version = self.store.version

    def written(self) -> None:
        """The GPU has written states: the mirror is out of date."""
        self._mirrored.clear()

    def _upload(self, places: Iterable[tuple[str, int, int]]) -> None:
        for name, low, high in places:
            memory, room = self.store.memories[name], self.rooms[name]
            self.gpu.driver.upload(room.address + low, memory.address + low, high - low, self.gpu.stream)
        # the host may write again as soon as this returns
        self.gpu.driver.wait(self.gpu.stream)
