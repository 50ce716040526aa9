"""Streams, events and graphs of the fake CUDA driver: work is done as late as the rules allow.

What lies on a stream is done when somebody waits for it, so that a host that
reads, writes or frees too early meets old bytes, new bytes, or a fault.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field


class Misuse(AssertionError):
    """The driver was called in a way that a real one forgives only by luck, or not at all."""


@dataclass
class Event:
    """An event: the work it stands for, and when that was done."""

    timed: bool
    stream: Stream | None = None
    number: int = -1
    done_at: int | None = None
    alive: bool = True


@dataclass(frozen=True)
class Work:
    """One thing on a stream.

    Parameters
    ----------
    name
        For people and tests: ``launch map``, ``upload``, ..
    do
        Does it; None for waiting for ``event`` of another stream.
    event
        That it sets, or waits for.
    """

    name: str
    do: Callable[[], None] | None = None
    event: Event | None = None


@dataclass
class Graph:
    """Work that was captured."""

    works: list[Work]
    alive: bool = True


@dataclass(eq=False)
class Stream:
    """Work in order; ``done`` counts what was done of all that was ever put here."""

    clock: list[int]
    waiting: deque[Work] = field(default_factory=deque)
    captured: list[Work] | None = None
    done: int = 0
    put: int = 0
    alive: bool = True

    def add(self, work: Work) -> None:
        """Puts work behind the rest, or into the graph that is being captured."""
        if self.captured is not None:
            if work.event is not None and work.do is None:
                raise Misuse("a stream that is being captured waits for an event of another stream")
            self.captured.append(work)
            return
        self.waiting.append(work)
        self.put += 1

    def finish(self, number: int | None = None) -> None:
        """Does everything, or all up to a number."""
        while self.waiting and (number is None or self.done < number):
            work = self.waiting.popleft()
            self.clock[0] += 1
            if work.do is None:
                assert work.event is not None
                reach(work.event)
            else:
                work.do()
            if work.event is not None and work.do is not None:
                work.event.done_at = self.clock[0]
            self.done += 1

    def record(self, event: Event, external: bool) -> None:
        """Lets the event stand for what is on the stream now."""
        if self.captured is not None and not external:
            raise Misuse(
                "an event is recorded in a capture without CU_EVENT_RECORD_EXTERNAL: it would be of no use outside"
            )
        event.done_at = None
        self.add(Work("record", lambda: None, event))
        event.stream, event.number = self, self.put


def reach(event: Event) -> None:
    """Does what an event stands for."""
    if event.stream is None:
        raise Misuse("an event that was never recorded is waited for")
    event.stream.finish(event.number)
