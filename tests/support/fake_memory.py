"""The memory of the fake CUDA driver, and the rules of its streams."""

from __future__ import annotations

import ctypes
from collections import Counter
from typing import Any

import numpy as np
from fake_enums import CUresult
from fake_streams import Misuse, Stream, Work

from runtime.cuda.emulator.memory import GlobalMemory

FIRST_ADDRESS = 1 << 40


def ok(*values: Any) -> tuple[Any, ...]:
    """What a function answers that did what it was asked."""
    return (CUresult.CUDA_SUCCESS, *values)


def host_bytes(address: int, size: int) -> np.ndarray:
    """Memory of the host."""
    return np.ctypeslib.as_array((ctypes.c_uint8 * size).from_address(address))


class FakeMemory:
    """Allocation, copies, and what must not be done while streams are busy.

    Parameters
    ----------
    memory
        Bytes of the device.
    """

    def __init__(self, memory: int) -> None:
        self.memory = memory
        self.calls: Counter[str] = Counter()
        self.context: str | None = None
        self.streams: list[Stream] = []
        self.reachable = GlobalMemory()
        self.rooms: dict[int, np.ndarray] = {}
        self.pinned: dict[int, np.ndarray] = {}
        self._next = FIRST_ADDRESS

    def cuMemGetInfo(self) -> tuple[Any, ...]:
        self.called("cuMemGetInfo")
        return ok(self.memory - sum(map(len, self.rooms.values())), self.memory)

    def cuMemAlloc(self, bytesize: int) -> tuple[Any, ...]:
        self.called("cuMemAlloc")
        self.not_in_capture("cuMemAlloc")
        if bytesize <= 0:
            return CUresult.CUDA_ERROR_INVALID_VALUE, 0
        if bytesize > self.memory - sum(map(len, self.rooms.values())):
            return CUresult.CUDA_ERROR_OUT_OF_MEMORY, 0
        address, self._next = self._next, self._next + -(-bytesize // 512) * 512 + 4096
        self.rooms[address] = np.full(bytesize, 0xA5, np.uint8)
        self.reachable.add(address, self.rooms[address])
        return ok(address)

    def cuMemFree(self, dptr: int) -> tuple[Any, ...]:
        self.called("cuMemFree")
        self.all_idle("cuMemFree")
        if dptr not in self.rooms:
            raise Misuse(f"cuMemFree of {dptr:#x}, which is not allocated")
        del self.rooms[dptr]
        self.reachable.remove(dptr)
        return ok()

    def cuMemAllocHost(self, bytesize: int) -> tuple[Any, ...]:
        self.called("cuMemAllocHost")
        self.not_in_capture("cuMemAllocHost")
        data = np.full(bytesize, 0xA5, np.uint8)
        self.pinned[data.ctypes.data] = data
        return ok(data.ctypes.data)

    def cuMemFreeHost(self, p: int) -> tuple[Any, ...]:
        self.called("cuMemFreeHost")
        self.all_idle("cuMemFreeHost")
        if self.pinned.pop(p, None) is None:
            raise Misuse("cuMemFreeHost of what is not allocated")
        return ok()

    def _device(self, address: int, size: int) -> np.ndarray:
        """Bytes of the device; looked up when the copy is made, for they may be freed by then."""
        return self.reachable.at(address, size)

    def _is_pinned(self, address: int, size: int) -> bool:
        for start, data in self.pinned.items():
            if start <= address < start + len(data):
                if address + size > start + len(data):
                    raise Misuse(f"{size} bytes from page-locked byte {address - start} of {len(data)}")
                return True
        return False

    def cuMemcpyHtoDAsync(self, dstDevice: int, srcHost: int, ByteCount: int, hStream: Stream) -> tuple[Any, ...]:
        self._copy("cuMemcpyHtoDAsync", ByteCount, hStream)
        if self._is_pinned(srcHost, ByteCount):

            def do() -> None:
                if not self._is_pinned(srcHost, ByteCount):
                    raise Misuse("page-locked memory was freed before it was copied")
                self._device(dstDevice, ByteCount)[:] = host_bytes(srcHost, ByteCount)
        else:
            self._pageable(hStream)
            data = host_bytes(srcHost, ByteCount).copy()

            def do() -> None:
                self._device(dstDevice, ByteCount)[:] = data

        hStream.add(Work("upload", do))
        return ok()

    def cuMemcpyDtoHAsync(self, dstHost: int, srcDevice: int, ByteCount: int, hStream: Stream) -> tuple[Any, ...]:
        self._copy("cuMemcpyDtoHAsync", ByteCount, hStream)

        def do() -> None:
            host_bytes(dstHost, ByteCount)[:] = self._device(srcDevice, ByteCount)

        pinned = self._is_pinned(dstHost, ByteCount)
        if not pinned:
            self._pageable(hStream)
        hStream.add(Work("download", do))
        return ok()

    def cuMemcpyDtoDAsync(self, dstDevice: int, srcDevice: int, ByteCount: int, hStream: Stream) -> tuple[Any, ...]:
        self._copy("cuMemcpyDtoDAsync", ByteCount, hStream)

        def do() -> None:
            self._device(dstDevice, ByteCount)[:] = self._device(srcDevice, ByteCount)

        hStream.add(Work("copy", do))
        return ok()

    def cuMemsetD8Async(self, dstDevice: int, uc: int, N: int, hStream: Stream) -> tuple[Any, ...]:
        self._copy("cuMemsetD8Async", N, hStream)

        def do() -> None:
            self._device(dstDevice, N)[:] = uc

        hStream.add(Work("fill", do))
        return ok()

    def _copy(self, name: str, size: int, stream: Stream) -> None:
        self.called(name)
        self.live(stream, name)
        if size <= 0:
            raise Misuse(f"{name} of {size} bytes")

    def _pageable(self, stream: Stream) -> None:
        if stream.captured is not None:
            raise Misuse("memory that is not page-locked is copied in a capture")

    def called(self, name: str) -> None:
        """Counts a call, which needs a context."""
        self.calls[name] += 1
        if self.context is None:
            raise Misuse(f"{name} without a current context")

    def live(self, stream: Stream, name: str) -> None:
        if not stream.alive:
            raise Misuse(f"{name} on a stream that was destroyed")

    def not_in_capture(self, name: str) -> None:
        if any(s.captured is not None for s in self.streams):
            raise Misuse(f"{name} during a capture")

    def all_idle(self, name: str) -> None:
        self.not_in_capture(name)
        if any(s.waiting for s in self.streams):
            raise Misuse(f"{name} while work is waiting on a stream")
