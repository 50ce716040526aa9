"""What happens to the results of a product: the maps fused behind it are evaluated, and everything is stored.

A product counts its results as rows and columns. Here stand which elements of
the step's result those are, which maps behind the product can be evaluated
where its sums are at hand, and the lines that do it. The same lines end the
product's own kernel and the one that adds up its parts (``merge``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import cast

from runtime.cuda.epilogue import OWN
from runtime.cuda.launch import Context, Launch, blocks_for
from runtime.cuda.source import GpuSource, lanes_that_fit
from runtime.expr import Expr, arg
from runtime.ops import Shape
from runtime.plan import ITEM_BYTES, View
from runtime.vector import nest
from runtime.vector.emit import Stream, Trees, simplify_powers
from runtime.vector.kernel import Address
from runtime.vector.nest import Cursors, Dim, Group
from runtime.vector.streams import Leaves, coordinate_strides, operand_stream

BLOCK = 256
"""Threads a block of the kernel that adds up parts."""


@dataclass(frozen=True)
class Part:
    """A dimension of a product: ``size`` positions ``step`` apart along an axis of the result's shape."""

    size: int
    axis: int
    step: int = 1


@dataclass(frozen=True)
class Grid:
    """Which elements of the result a product computes.

    Parameters
    ----------
    outer
        Dimensions of products side by side (groups, batches), then of the rows.
    columns
        Dimensions of the columns.
    first
        Position of the first element along each axis.
    """

    outer: tuple[Part, ...]
    columns: tuple[Part, ...]
    first: Shape

    def stream(self, stream: Stream) -> Stream:
        """A stream over the result's shape as one over our dimensions."""
        ahead = sum(p * s for p, s in zip(self.first, stream.strides, strict=True))
        base = stream.base
        moved = Address(base.memory, base.offset + ahead) if isinstance(base, Address) else cast(int, base) + ahead
        return Stream(moved, tuple(stream.strides[p.axis] * p.step for p in self.parts), stream.dtype)

    @property
    def parts(self) -> tuple[Part, ...]:
        """All dimensions."""
        return self.outer + self.columns


class Finish:
    """Trees over a product's sums, and where their results go.

    Parameters
    ----------
    grid
        The elements that are computed.
    shape
        Of the whole result.
    stored
        Trees, and views of what they make; operand ``OWN`` is the product's sum.
    reads
        The views of the operands.
    sums
        Where the sums lie, over the grid's dimensions; None where they are at hand.
    gathered
        Trees that are evaluated and not stored.
    """

    def __init__(
        self,
        grid: Grid,
        shape: Shape,
        stored: Sequence[tuple[Expr, View]],
        reads: Sequence[View],
        sums: Stream | None = None,
        gathered: Sequence[Expr] = (),
    ) -> None:
        self.shape = shape
        self.trees = [simplify_powers(tree) for tree in (*(tree for tree, _ in stored), *gathered)]
        self.leaves = Leaves.of(self.trees, reads, shape)
        results = [grid.stream(operand_stream(view, shape)) for _, view in stored]
        streams = [*results, *(grid.stream(s) for s in self.leaves.streams), *([sums] if sums else [])]
        dims = [Dim(p.size, tuple(s.strides[k] for s in streams)) for k, p in enumerate(grid.parts)]
        none = [Dim(1, (0,) * len(streams))]
        self.columns = nest.merge(dims[len(grid.outer) :]) or none
        self.dims = (nest.merge(dims[: len(grid.outer)]) or none) + self.columns
        self.streams = nest.restride(streams, self.dims)
        self.results = self.streams[: len(results)]
        self.operands = self.streams[len(results) : len(results) + len(self.leaves.streams)]
        self.sums = self.streams[-1] if sums else None

    @property
    def flat(self) -> bool:
        """Whether the columns are one dimension, as they are where products compute them."""
        return len(self.columns) == 1

    def lanes(self, most: int) -> int:
        """Elements that can be evaluated and stored at once."""
        return lanes_that_fit(self.results, self.streams, self.dims, most)


class Writer:
    """The lines that finish vectors of sums in a kernel.

    Parameters
    ----------
    source
        Where text goes; its vectors are what is finished at once.
    finish
        What is to be done.
    ahead
        Text of bytes to be added to where results lie, or empty.
    """

    def __init__(self, source: GpuSource, finish: Finish, ahead: str = "") -> None:
        self.source, self.finish, self.ahead = source, finish, ahead
        self.group = Group.of(source, finish.dims[:-1])
        self.cursors = Cursors(source, finish.streams)
        self.code = Trees(source, finish.trees, self._operand, self._coordinate)
        self.code.constants()

    def body(self) -> list[str]:
        """Lines that finish the vector ``value`` at the row ``number`` and the first column ``column``.

        Answers the names of what is evaluated and not stored.
        """
        first = len(self.finish.results)
        for n in sorted({k for o, k in self.finish.leaves.operands.items() if o != OWN} | self._coordinates()):
            self.source.line(f"p{n} = {self._place(first + n)}")
        values = self.code.body()
        for n, (value, _) in enumerate(values[:first]):
            where = self._place(n) + (f" + {self.ahead}" if self.ahead else "")
            self.source.store(self.finish.results[n], where, value)
        return [self.code.converted(value, kind, self.source.working) for value, kind in values[first:]]

    def sums(self) -> str:
        """Text of the place of the sums at that row and column, where they lie in memory."""
        return self._place(len(self.finish.streams) - 1)

    def _coordinates(self) -> set[int]:
        return set(self.finish.leaves.coordinates.values())

    def _place(self, n: int) -> str:
        last = len(self.finish.dims) - 1
        start = f"{self.cursors.base(n)} + column * {self.cursors.stride(n, last)}"
        return self.cursors.at(n, start, self.group, "number")

    def _operand(self, k: int, kind: str) -> str:
        if k == OWN:
            return self.code.converted("value", self.source.working, kind)
        n = self.finish.leaves.operands[k]
        return self.source.load(self.finish.operands[n], self.finish.dims[-1].size, kind, f"p{n}")

    def _coordinate(self, node: Expr) -> tuple[str, str]:
        n = self.finish.leaves.coordinates[coordinate_strides(node, self.finish.shape)]
        return f"p{n}", self.cursors.stride(len(self.finish.results) + n, len(self.finish.dims) - 1)


@dataclass(frozen=True)
class Partials:
    """The sums of a product's parts in scratch: row behind row, ``pitch`` elements apart, part behind part."""

    grid: Grid
    address: Address
    pitch: int
    count: int
    dtype: str

    @classmethod
    def of(cls, grid: Grid, count: int, dtype: str, context: Context) -> Partials:
        """Room for ``count`` parts."""
        lanes = context.lanes(dtype)
        pitch = -(-prod(p.size for p in grid.columns) // lanes) * lanes
        rows = prod(p.size for p in grid.outer)
        return cls(grid, context.scratch(count * rows * pitch * ITEM_BYTES[dtype]), pitch, count, dtype)

    @property
    def part_bytes(self) -> int:
        """Bytes from part to part."""
        return prod(p.size for p in self.grid.outer) * self.pitch * ITEM_BYTES[self.dtype]

    @property
    def view(self) -> View:
        """The first part, an axis for each dimension of the product."""
        rows, columns = ([p.size for p in parts] for parts in (self.grid.outer, self.grid.columns))
        strides = [prod(rows[k + 1 :]) * self.pitch for k in range(len(rows))]
        strides += [prod(columns[k + 1 :]) for k in range(len(columns))]
        return View(self.address.memory, self.address.offset, (*rows, *columns), tuple(strides), self.dtype)

    def store(self) -> Finish:
        """Leaves the sums as they are."""
        view, count = self.view, len(self.grid.outer)
        parts = [Part(n, axis) for axis, n in enumerate(view.shape)]
        grid = Grid(tuple(parts[:count]), tuple(parts[count:]), (0,) * len(parts))
        return Finish(grid, view.shape, [(arg(OWN), view)], [view])

    def merge(
        self,
        shape: Shape,
        stored: Sequence[tuple[Expr, View]],
        reads: Sequence[View],
        context: Context,
        grid: Grid | None = None,
    ) -> Launch:
        """The launch that adds up the parts, in order, and finishes the sums: those of ``grid`` if not all.

        Source
            The "split-K" of CUTLASS (Kerr et al. 2017), with a launch of its own
            instead of atomic additions: the bits are the same on every run.
        """
        finish = Finish(grid or self.grid, shape, stored, reads, operand_stream(self.view, self.view.shape))
        assert finish.sums is not None
        lanes, size = finish.lanes(context.lanes(self.dtype)), finish.dims[-1].size
        source = GpuSource(self.dtype, lanes)
        units = nest.volume(finish.dims) // lanes
        across, count = source.divisor(size // lanes), source.word(units)
        writer = Writer(source, finish)
        load = source.use("aligned_loader", self.dtype, self.dtype)
        source.line("unit = place()")
        with source.block(f"if unit < {count}:"):
            source.line(f"number, column = over(args, {across}, unit), rest(args, {across}, unit) * LANES")
            source.line(f"part = {writer.sums()}", f"value, k = {load}(part, 0), 1")
            with source.block(f"while k < {source.word(self.count)}:"):
                source.line(f"part += {source.word(self.part_bytes)}", f"value = add(value, {load}(part, 0))", "k += 1")
            writer.body()
        return Launch(source.kernel("merge"), tuple(source.words), blocks_for(units, BLOCK), BLOCK)
