"""What a GPU reaches: multiply-adds a second, bytes a second."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing

from runtime.cuda.binding import Bound
from runtime.cuda.gpu import Gpu
from runtime.cuda.launch import ACCESS_BYTES, Launch, kernel_file
from runtime.cuda.memory import Room
from runtime.plan import ITEM_BYTES
from runtime.vector.kernel import Address

BLOCK, BLOCKS_A_PROCESSOR = 256, 8
SUMS = 8
"""Independent vectors that each thread of the kernel ``peak`` adds to."""

COPIED = 1 << 30
"""Bytes of the copy: no cache holds them."""


ROUNDS = 20_000
"""Of the loop: some milliseconds."""


def peak(gpu: Gpu, dtype: str) -> float:
    """Arithmetic operations a second in a loop of multiply-adds."""
    lanes = ACCESS_BYTES // ITEM_BYTES[dtype]
    blocks = BLOCKS_A_PROCESSOR * gpu.properties.processors
    sink = Room(gpu, blocks * BLOCK * ACCESS_BYTES, "a measurement")
    kernel = kernel_file("peak", DTYPE=dtype, LANES=lanes)
    launch = Launch(kernel, (Address("sink", 0), ROUNDS), (blocks, 1, 1), BLOCK)
    try:
        bound = Bound(gpu, [launch], {"sink": sink})
        return 2.0 * SUMS * lanes * ROUNDS * BLOCK * blocks / _shortest(gpu, lambda: bound.launch([launch]))
    finally:
        sink.close()


def bandwidth(gpu: Gpu) -> float:
    """Bytes a second read and written by a copy that no cache holds."""
    size = min(COPIED, gpu.driver.free_memory() // 4)
    with closing(Room(gpu, size, "a measurement")) as to, closing(Room(gpu, size, "a measurement")) as source:
        return 2.0 * size / _shortest(gpu, lambda: gpu.driver.copy(to.address, source.address, size, gpu.stream))


def _shortest(gpu: Gpu, work: Callable[[], None], repeats: int = 4) -> float:
    """Seconds of the fastest of some runs of what ``work`` puts on the stream."""
    driver = gpu.driver
    start, end = (driver.event(timed=True) for _ in range(2))
    found = []
    for _ in range(repeats):
        driver.record(start, gpu.stream)
        work()
        driver.record(end, gpu.stream)
        driver.wait(gpu.stream)
        found.append(driver.seconds(start, end))
    for event in (start, end):
        driver.end_event(event)
    return min(found)
