"""Batches made ahead by one thread: a bounded queue, exceptions handed over, a stop event."""

from __future__ import annotations

import queue
import threading

from runtime.data.batches import Batch, Maker, Position

_POLL_SECONDS = 0.1


class Prefetch:
    """A daemon thread that makes batches from a position on, at most ``depth`` ahead.

    The thread holds the maker, the queue and the event, never the stream:
    a stream that is forgotten can be collected, and its finaliser stops the thread.
    """

    def __init__(self, batches: Maker, position: Position, size: int, depth: int = 2) -> None:
        self.size = size
        self._queue: queue.Queue[tuple[Batch, Position] | BaseException] = queue.Queue(depth)
        self._stop = threading.Event()
        arguments = (batches, position, size, self._queue, self._stop)
        self._thread = threading.Thread(target=_produce, args=arguments, name="netspec-prefetch", daemon=True)
        self._thread.start()

    def take(self) -> tuple[Batch, Position]:
        """Return the next batch and the position after it; raise what making it raised."""
        while True:
            try:
                made = self._queue.get(timeout=_POLL_SECONDS)
            except queue.Empty:
                if not self._thread.is_alive() and self._queue.empty():
                    # A forked child has the queue but not the thread: never wait for one that is gone.
                    raise RuntimeError("the prefetching thread is gone; open the source in this process") from None
                continue
            if isinstance(made, BaseException):
                raise made
            return made

    def stop(self) -> None:
        """Tell the thread to end; it holds nothing that would have to be waited for."""
        self._stop.set()


def _produce(
    batches: Maker,
    position: Position,
    size: int,
    out: queue.Queue[tuple[Batch, Position] | BaseException],
    stop: threading.Event,
) -> None:
    while not stop.is_set():
        made: tuple[Batch, Position] | BaseException
        try:
            made = batches.make(position, size)
            position = made[1]
        except BaseException as error:  # handed to whoever takes, who raises it
            made = error
        _put(out, made, stop)
        if isinstance(made, BaseException):
            return


def _put(
    out: queue.Queue[tuple[Batch, Position] | BaseException],
    made: tuple[Batch, Position] | BaseException,
    stop: threading.Event,
) -> None:
    while not stop.is_set():
        try:
            out.put(made, timeout=_POLL_SECONDS)
            return
        except queue.Full:
            continue
