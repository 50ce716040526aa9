"""Launches bound to a GPU: kernels loaded, argument words resolved, laid out as the driver wants them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from runtime.cuda.cubins import Wanted
from runtime.cuda.gpu import Gpu
from runtime.cuda.launch import Launch
from runtime.cuda.memory import Room
from runtime.vector.kernel import Address, Symbol, Word, bits


class Bound:
    """Launches that can be put on the GPU's stream.

    Parameters
    ----------
    gpu
        Where.
    launches
        Each once.
    rooms
        Where the memories lie that their words name.

    Attributes
    ----------
    compiled, seconds
        How many kernels were in no cache, and how long it took to compile them.
    """

    def __init__(self, gpu: Gpu, launches: Sequence[Launch], rooms: Mapping[str, Room]) -> None:
        self._gpu = gpu
        self.launches = list(launches)
        shared: dict[Wanted, int] = {}
        for x in self.launches:
            shared[wanted(x)] = max(x.shared, shared.get(wanted(x), 0))
        before = gpu.compiled
        self._functions = gpu.functions(shared)
        self.compiled, self.seconds = (now - then for now, then in zip(gpu.compiled, before, strict=True))
        words = [_resolve(w, rooms) for x in self.launches for w in x.args]
        self._words = np.array([*words, 0], np.int64)
        # a launch takes the address of an array of pointers, one to the bytes of each parameter
        self._pointers = self._words.ctypes.data + 8 * np.arange(len(words) + 1, dtype=np.uint64)
        self._parameters: dict[Launch, int] = {}
        start = int(self._pointers.ctypes.data)
        for x in self.launches:
            self._parameters[x] = start
            start += 8 * len(x.args)

    def launch(self, launches: Iterable[Launch]) -> None:
        """Puts some of the launches on the stream."""
        for x in launches:
            function = self._functions[wanted(x)]
            self._gpu.driver.launch(function, x.grid, x.block, x.shared, self._parameters[x], self._gpu.stream)


def wanted(launch: Launch) -> Wanted:
    """The kernel of a launch as it is compiled."""
    return Wanted(launch.kernel, len(launch.args), launch.block)


def _resolve(word: Word, rooms: Mapping[str, Room]) -> int:
    if isinstance(word, Address):
        return rooms[word.memory].address + word.offset
    assert not isinstance(word, Symbol), f"nobody resolves {word}"
    return bits(word) if isinstance(word, float) else word
