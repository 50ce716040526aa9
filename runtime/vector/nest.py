"""Loop nests: dimensions merged where memory allows, chunks cut by shapes alone, and the text of loops.

Outer dimensions are numbered together, missing ones have size 1; the number of
a row is split into coordinates by multiplications with what the host prepared.
Inner loops step by adding strides.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

from runtime.plan import ITEM_BYTES
from runtime.vector.emit import BROADCAST, CONTIGUOUS, STRIDED, Source, Stream

OUTER = 2
"""Dimensions of a map's kernel outside the middle and the vector one; nests of more get a kernel of their own."""

CHUNK = 48 * 1024
"""Cost of a chunk: about this many bytes moved, or as many operations."""

MAX_CHUNKS = 2048

LINE = 64
"""Bytes of a cache line: a smaller vector would fetch it twice."""


@dataclass(frozen=True)
class Dim:
    """A dimension: its size and every stream's stride along it."""

    size: int
    strides: tuple[int, ...]


def merge(dims: Sequence[Dim]) -> list[Dim]:
    """Neighbouring dimensions (outer first) as one, where every stream allows it; sizes of 1 vanish."""
    merged: list[Dim] = []
    for dim in dims:
        if dim.size == 1:
            continue
        if merged and all(a == b * dim.size for a, b in zip(merged[-1].strides, dim.strides, strict=True)):
            merged[-1] = Dim(merged[-1].size * dim.size, dim.strides)
        else:
            merged.append(dim)
    return merged


def dims_of(shape: Sequence[int], streams: Sequence[Stream], axes: Sequence[int] | None = None) -> list[Dim]:
    """The dimensions of ``shape`` (of these axes alone) with the streams' strides."""
    return [Dim(shape[a], tuple(s.strides[a] for s in streams)) for a in (range(len(shape)) if axes is None else axes)]


def by_stride(dims: Sequence[Dim], lead: int) -> list[Dim]:
    """Sorted so that the stream ``lead`` is walked in memory order, the others deciding ties."""
    return sorted(dims, key=lambda d: (-abs(d.strides[lead]), -sum(map(abs, d.strides))))


def arranged(shape: Sequence[int], streams: Sequence[Stream], axes: Sequence[int], lead: int) -> list[Dim]:
    """These axes in the memory order of the first operand, merged."""
    return merge(by_stride(dims_of(shape, streams, axes), lead))


def prefers_rows(kept: list[Dim], reduced: list[Dim], operands: Sequence[Stream], ahead: int) -> bool:
    """True if the vector dimension is better a reduced one: more operands are contiguous along it.

    ``ahead``: streams in the dimensions that are no operands, in front.
    """
    if not kept or not reduced:
        return not kept

    def score(dim: Dim) -> int:
        found = 0
        for stream, stride in zip(operands, dim.strides[ahead:], strict=True):
            item = ITEM_BYTES.get(stream.dtype)
            found += 0 if item is None or stride == 0 else 1 if stride == item else -1
        return found

    return (score(reduced[-1]), reduced[-1].size) >= (score(kept[-1]), kept[-1].size)


def restride(streams: Sequence[Stream], dims: Sequence[Dim]) -> list[Stream]:
    """The streams over new dimensions."""
    return [Stream(s.base, tuple(d.strides[k] for d in dims), s.dtype) for k, s in enumerate(streams)]


def padded(dims: Sequence[Dim], count: int, streams: int) -> list[Dim]:
    """``dims`` (of this many streams) with dimensions of size 1 in front, ``count`` in all at least."""
    return [Dim(1, (0,) * streams)] * (count - len(dims)) + list(dims)


def pieces(size: int, item_bytes: int, target: int = CHUNK) -> tuple[int, int]:
    """(elements a piece, pieces) of a row of ``size`` elements of ``item_bytes`` bytes in all streams."""
    if size * item_bytes <= target + target // 2:
        return max(size, 1), 1
    count = -(-size * item_bytes // target)
    piece = 64 * (size // count // 64 + 1)
    return piece, -(-size // piece)


def chunks_of(units: int, unit_cost: int) -> tuple[int, int]:
    """(units a chunk, chunks): by cost alone, hence by shapes alone."""
    per = max(1, min(units, round(CHUNK / max(unit_cost, 1))), -(-units // MAX_CHUNKS))
    return per, -(-units // per)


def lanes_of(operands: Sequence[Stream], size: int, working: str, lanes: int) -> int:
    """Elements of a vector over ``size`` neighbours that are results: those of a line where all lie side by side."""
    plain = all(s.dtype and s.pattern(size) != STRIDED for s in operands)
    return max(lanes, LINE // ITEM_BYTES[working] if operands and plain else 0)


def element_bytes(streams: Sequence[Stream]) -> int:
    """Bytes that all streams move for an element of the innermost dimension."""
    return sum(ITEM_BYTES.get(s.dtype, 0) for s in streams if s.pattern() != BROADCAST)


class Cursors:
    """The words of the streams' bases and strides, and text that makes their positions.

    Parameters
    ----------
    source
        The kernel.
    streams
        Over the outer dimensions, then the vector dimension.
    """

    def __init__(self, source: Source, streams: Sequence[Stream]) -> None:
        self._source = source
        self._first = []
        for stream in streams:
            self._first.append(len(source.words))
            source.words.extend([stream.base, *stream.strides])

    def base(self, k: int) -> str:
        """Text of a stream's base."""
        return f"word(args, {self._first[k]})"

    def stride(self, k: int, dim: int) -> str:
        """Text of the stride along a dimension."""
        return f"word(args, {self._first[k] + 1 + dim})"

    def at(self, k: int, start: str, group: Group, position: str) -> str:
        """Text of ``start`` moved to a position of a group of dimensions."""
        place = self._source.placer(len(group.dims))
        return f"{place}(args, {start}, {self._first[k] + 1 + group.first}, {group.divisors}, {position})"


@dataclass(frozen=True)
class Group:
    """Neighbouring dimensions that one number walks through: the first of them, and the word of their divisors."""

    dims: Sequence[Dim]
    first: int
    divisors: int

    @classmethod
    def of(cls, source: Source, dims: Sequence[Dim], first: int = 0) -> Group:
        """The group, its divisors written as arguments."""
        places = [source.divisor(d.size) for d in dims]
        return cls(dims, first, places[0])


def load(source: Source, stream: Stream, pattern: str, kind: str, place: Sequence[str]) -> str:
    """Text of a vector of a stream. ``place``: (row address, element, inner stride, lanes that count)."""
    address, i, stride, valid = place
    if pattern == CONTIGUOUS:
        return f"{source.use('loader', stream.dtype, kind)}({address}, {i})"
    if pattern == BROADCAST:
        return f"{source.use('broadcaster', stream.dtype, kind)}({address})"
    return f"{source.use('gatherer', stream.dtype, kind)}({address} + {i} * {stride}, {stride}, {valid})"


@dataclass(frozen=True)
class Target:
    """Where a vector goes: the stream, and texts of the row's address, the value, the inner stride."""

    stream: Stream
    address: str
    value: str
    stride: str


def store(source: Source, targets: Sequence[Target], i: str, valid: str) -> None:
    """Lines that store vectors at element ``i``, the first ``valid`` lanes of them."""
    whole, tail = [], []
    for target in targets:
        stream, address, value, stride = target.stream, target.address, target.value, target.stride
        if stream.pattern() == CONTIGUOUS:
            whole.append(f"{source.use('storer', stream.dtype)}({address}, {i}, {value})")
            tail.append(f"{source.use('tail_storer', stream.dtype)}({address}, {i}, {value}, {valid})")
        else:
            scatter = source.use("scatterer", stream.dtype)
            source.line(f"{scatter}({address} + {i} * {stride}, {stride}, {value}, {valid})")
    if whole:
        with source.block(f"if {valid} >= LANES:"):
            source.line(*whole)
        with source.block("else:"):
            source.line(*tail)


def volume(dims: Sequence[Dim]) -> int:
    """Elements of a nest."""
    return prod(d.size for d in dims)
