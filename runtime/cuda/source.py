"""The text of a generated kernel on a GPU, and how its streams are loaded and stored."""

from __future__ import annotations

from collections.abc import Sequence
from math import gcd

from runtime.plan import ITEM_BYTES
from runtime.vector.emit import BROADCAST, CONTIGUOUS, Source, Stream
from runtime.vector.kernel import Address
from runtime.vector.nest import Dim


class GpuSource(Source):
    """A ``Source`` whose kernel is run by every thread of a grid."""

    HEAD = "def kernel(args):"
    IMPORTS: tuple[str, ...] = ("from runtime.cuda.simt import barrier, block, place, thread, threads",)

    def load(self, stream: Stream, size: int, kind: str, place: str) -> str:
        """Text of the vector at byte address ``place``, of a stream whose last dimension has ``size`` elements."""
        pattern = stream.pattern(size)
        if pattern == CONTIGUOUS:
            return f"{self.use('aligned_loader', stream.dtype, kind)}({place}, 0)"
        if pattern == BROADCAST or self.lanes == 1:
            return f"{self.use('broadcaster', stream.dtype, kind)}({place})"
        return f"{self.use('gatherer', stream.dtype, kind)}({place}, {self.word(stream.strides[-1])}, LANES)"

    def store(self, stream: Stream, place: str, value: str) -> None:
        """The line that stores a vector whose elements lie side by side."""
        self.line(f"{self.use('aligned_storer', stream.dtype)}({place}, 0, {value})")


def lanes_that_fit(results: Sequence[Stream], streams: Sequence[Stream], dims: Sequence[Dim], most: int) -> int:
    """Elements of a vector, at most ``most``, so that none is cut and those side by side are loaded as one.

    Parameters
    ----------
    results
        What is written: neighbours along the last dimension, or a vector is one element.
    streams
        All of it, results included, over ``dims``.
    """
    size = dims[-1].size
    if any(r.pattern(size) != CONTIGUOUS for r in results):
        return 1
    lanes = gcd(size, most)
    for stream in streams:
        if stream.dtype and stream.pattern(size) == CONTIGUOUS:
            start = stream.base.offset if isinstance(stream.base, Address) else 0
            whole = gcd(start, *stream.strides[:-1])
            lanes = gcd(lanes, whole // ITEM_BYTES[stream.dtype] if whole else lanes)
    return lanes
