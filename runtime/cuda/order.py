"""A run as a CUDA graph: captured once, replayed from then on."""

from __future__ import annotations

from collections.abc import Callable

from runtime.cuda.gpu import Gpu


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
        gpu.driver.begin_capture(gpu.stream)
        try:
            work()
        finally:  # also after a failure: a stream that goes on capturing is of no use to anybody
            graph = gpu.driver.end_capture(gpu.stream)
        self._instance = gpu.driver.instantiate(graph)

    def replay(self) -> None:
        """Puts all of it on the stream."""
        self._gpu.driver.replay(self._instance, self._gpu.stream)

    def close(self) -> None:
        """Lets go of the graph."""
        self._gpu.driver.end_graph(self._instance)
