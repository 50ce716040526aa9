"""A run as a CUDA graph: captured once, replayed from then on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from runtime.cuda.gpu import Gpu


@contextmanager
def _capturing(gpu: Gpu, kept: list[Any]) -> Iterator[None]:
    """Work on the GPU's stream is noted down; the graph is appended to ``kept``, also after a failure."""
    gpu.driver.begin_capture(gpu.stream)
    try:
        yield
    finally:
        kept.append(gpu.driver.end_capture(gpu.stream))


class Order:
    """What ``work`` puts on the stream, ready to be replayed.

    Parameters
    ----------
    gpu
        Where.
    work
        Puts it there; is called once.
    """

    def __init__(self, gpu: Gpu, work: Callable[[], None]) -> None:
        self._gpu = gpu
        graphs: list[Any] = []
        with _capturing(gpu, graphs):
            work()
        self._instance = gpu.driver.instantiate(graphs[0])

    def replay(self) -> None:
        """Puts all of it on the stream."""
        self._gpu.driver.replay(self._instance, self._gpu.stream)

    def close(self) -> None:
        """Lets go of the graph."""
        self._gpu.driver.end_graph(self._instance)
