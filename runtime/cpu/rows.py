"""Reductions over ranges of finished rows, with the map in front of them: what runs in the tail of a product.

Called as ``fn(args, row_lo, row_hi, thread)``, vectors over channels. What a
range has found goes to its slot, at the place of its first row, and the number
of its rows to ``counts``. *Down*, for moments, which run twice: a vector of
channels is taken through all pixels of the range before the next one; the sums
stay in registers. *Across*, for reductions: a few pixels are taken through all
channels before the next ones, the sums stay in the slot; operands that come
from far are read as they lie. Each formula has one kernel, for any number of
channels: wider vectors for more channels made nets no faster.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from runtime.cpu.launch import Context, Launch, kernel_file
from runtime.expr import Expr, arg
from runtime.ops import Reduce, Shape
from runtime.plan import ITEM_BYTES, View
from runtime.vector import nest
from runtime.vector.emit import Source, Trees, simplify_powers, working_dtype
from runtime.vector.kernel import Address, Word
from runtime.vector.nest import OUTER, Cursors
from runtime.vector.streams import Leaves, coordinate_strides, operand_stream

ACROSS = 2
"""Pixels that are taken together across the channels: one load and store of a sum serves them all."""

Combine = Callable[[str, str], str]
"""Text of two values combined."""

IDENTITY = {"sum": 0.0, "max": float("-inf")}


@dataclass(frozen=True)
class Fused:
    """Trees over ``reads``: the first go to ``stored``, the others are reduced."""

    trees: Sequence[Expr]
    reads: Sequence[View]
    stored: Sequence[View]


@dataclass(frozen=True)
class Slots:
    """Partial results of the ranges of rows.

    ``parts`` arrays of ``padded`` channels a slot, one slot a row; ``counts``
    holds the rows of a range at its first one.
    """

    counts: Address
    at: Address
    parts: int
    padded: int
    item: int

    @classmethod
    def of(cls, ctx: Context, shape: Shape, parts: int, lanes: int, dtype: str) -> Slots:
        """Slots in scratch for an N x C x H x W result, channels padded to ``lanes``."""
        padded, item = -(-shape[1] // lanes) * lanes, ITEM_BYTES[dtype]
        rows = shape[0] * shape[2]
        return cls(ctx.scratch(8 * rows), ctx.scratch(rows * parts * padded * item), parts, padded, item)

    @property
    def slot_bytes(self) -> int:
        """Bytes from row to row."""
        return self.parts * self.padded * self.item

    def merge(self, ctx: Context, how: str, shape: Shape, outs: Sequence[View | None]) -> Launch:
        """The launch that merges all slots into ``outs``, which have C elements each."""
        dtype = "f64" if self.item == 8 else "f32"
        lanes = ctx.lanes(dtype)
        blocks = -(-shape[1] // lanes)
        places: list[Word] = []
        for view in outs:
            places += [0, 0] if view is None else [Address(view.memory, view.offset), view.strides[1] * view.item_bytes]
        part = self.padded * self.item
        words = (
            self.counts, self.at, self.slot_bytes, part, shape[0] * shape[2], shape[3], shape[1], blocks, *places,
        )  # fmt: skip
        kernel = kernel_file("merge_rows", SCALAR=dtype, LANES=lanes, HOW=how)
        return Launch(kernel, words, blocks * (1 if how == "moments" else len(outs)), True)


class RowsFold:
    """The kernel of a reduction over rows, under construction.

    Parameters
    ----------
    shape
        N x C x H x W of the trees' elements; reduced over N, H and W.
    trees
        What is reduced, and before it what is stored (as many as ``stored``).
    reads, stored
        Operands, and where the first trees go.
    """

    def __init__(
        self, ctx: Context, shape: Shape, trees: Sequence[Expr], reads: Sequence[View], stored: Sequence[View]
    ) -> None:
        self.shape, self.stored = shape, len(stored)
        self.trees = [simplify_powers(t) for t in trees]
        self.leaves = Leaves.of(self.trees, reads, shape)
        streams = [*(operand_stream(v, shape) for v in stored), *self.leaves.streams]
        rows, columns, height, width = (nest.dims_of(shape, streams)[a] for a in range(4))
        loops = [*nest.padded(nest.merge([rows, height]), OUTER, len(streams)), width, columns]
        self.streams = nest.restride(streams, loops)
        self.working = working_dtype([s.dtype for s in streams], ctx.dtype)
        self.source = Source(self.working, nest.lanes_of(self.streams, shape[1], self.working, ctx.lanes(self.working)))
        self.cursors = Cursors(self.source, self.streams)
        self.group = nest.Group.of(self.source, loops[:OUTER])
        self.width, self.columns = self.source.word(width.size), self.source.word(columns.size)
        self.code = Trees(self.source, self.trees, self._operand, self._coordinate)
        self._pointers = "p"

    @property
    def lanes(self) -> int:
        """Channels taken together."""
        return self.source.lanes

    def _operand(self, k: int, kind: str) -> str:
        n = self.leaves.operands[k]
        stream = self.streams[self.stored + n]
        place = (f"{self._pointers}{self.stored + n}", "i", self._step(self.stored + n, OUTER + 1), "valid")
        return nest.load(self.source, stream, stream.pattern(self.shape[1]), kind, place)

    def _coordinate(self, node: Expr) -> tuple[str, str]:
        n = self.stored + self.leaves.coordinates[coordinate_strides(node, self.shape)]
        stride = self._step(n, OUTER + 1)
        return f"{self._pointers}{n} + i * {stride}", stride

    def _step(self, n: int, dim: int) -> str:
        return self.cursors.stride(n, dim)

    def splat(self) -> str:
        """The name of the working dtype's splat."""
        return self.source.use("splatter", self.working)

    def run(self, names: Sequence[str], combine: Combine, values: Callable[[list[str]], list[str]]) -> None:
        """Lines that combine over the range what ``values`` makes of the trees: ``total_<name>`` of each."""
        line, block = self.source.line, self.source.block
        sides = "ab"  # a sum waits for itself: every other pixel has another one
        line(*(f"total_{name} = nothing" for name in names), "row = first")
        with block("while row < last:"):
            for n in range(len(self.streams)):
                line(f"p{n} = {self.cursors.at(n, self.cursors.base(n), self.group, 'row')}")
            line(*(f"{side}_{name} = nothing" for name in names for side in sides), "w = 0")
            for done in (len(sides), 1):
                with block(f"while w + {done} <= {self.width}:"):
                    for side in sides[:done]:
                        self._pixel(side, names, combine, values)
                    line(f"w += {done}")
            for name in names:
                line(f"total_{name} = {combine(f'total_{name}', combine(f'a_{name}', f'b_{name}'))}")
            line("row += 1")

    def _pixel(
        self, side: str, names: Sequence[str], combine: Combine, values: Callable[[list[str]], list[str]]
    ) -> None:
        for name, value in zip(names, values(self._values()), strict=True):
            self.source.line(f"{side}_{name} = {combine(f'{side}_{name}', value)}")
        self.source.line(*(f"p{n} += {self._step(n, OUTER)}" for n in range(len(self.streams))))

    def _values(self) -> list[str]:
        """Lines that evaluate the trees at one vector and store what is to be stored; the others' names."""
        found = self.code.body()
        targets = [
            nest.Target(self.streams[k], f"{self._pointers}{k}", found[k][0], self._step(k, OUTER + 1))
            for k in range(self.stored)
        ]
        nest.store(self.source, targets, "i", "valid")
        return [self.code.converted(name, kind, self.working) for name, kind in found[self.stored :]]

    def _begin(self, slots: Slots, nothing: float) -> tuple[str, str]:
        """Lines at the top; texts of the slot's address and of the elements from part to part."""
        source, put = self.source, self.source.function("put_word")
        counts, at, slot, padded = (source.word(w) for w in (slots.counts, slots.at, slots.slot_bytes, slots.padded))
        source.line(f"{put}({counts}, first, last - first)", f"nothing = {self.splat()}({source.real(nothing)})")
        source.line(f"sums = {at} + first * {slot}")
        self.code.constants()
        return "sums", padded

    def down(self, name: str, slots: Slots, nothing: float, body: Callable[[], list[str]]) -> Launch:
        """The kernel whose ``body`` writes the lines for one vector of channels and answers the parts' texts."""
        source, line = self.source, self.source.line
        sums, padded = self._begin(slots, nothing)
        line("i = 0")
        with source.block(f"while i < {self.columns}:"):
            line(f"valid = {self.columns} - i")
            store = source.use("storer", self.working)
            for k, text in enumerate(body()):
                line(f"{store}({sums}, {k} * {padded} + i, {text})")
            line("i += LANES")
        return Launch(source.kernel(name), tuple(source.words), 1)

    def across(self, name: str, slots: Slots, nothing: float, combine: Combine) -> Launch:
        """The kernel that combines the trees, a few pixels and all channels at a time."""
        source, line, streams = self.source, self.source.line, range(len(self.streams))
        sums, padded = self._begin(slots, nothing)
        line("i = 0")
        with source.block(f"while i < {self.columns}:"):
            store = source.use("storer", self.working)
            line(*(f"{store}({sums}, {k} * {padded} + i, nothing)" for k in range(slots.parts)), "i += LANES")
        line("row = first")
        with source.block("while row < last:"):
            line(*(f"p{n} = {self.cursors.at(n, self.cursors.base(n), self.group, 'row')}" for n in streams), "w = 0")
            for pixels in (ACROSS, 1):
                with source.block(f"while w + {pixels} <= {self.width}:"):
                    self._across(pixels, sums, padded, slots.parts, combine)
                    line(*(f"p{n} += {pixels} * {self._step(n, OUTER)}" for n in streams), f"w += {pixels}")
            line("row += 1")
        return Launch(source.kernel(name), tuple(source.words), 1)

    def _across(self, pixels: int, sums: str, padded: str, parts: int, combine: Combine) -> None:
        """Lines that take some pixels through all channels."""
        source, line = self.source, self.source.line
        for u in range(1, pixels):
            line(*(f"p{u}_{n} = p{n} + {u} * {self._step(n, OUTER)}" for n in range(len(self.streams))))
        line("i = 0")
        with source.block(f"while i < {self.columns}:"):
            line(f"valid = {self.columns} - i")
            for u in range(pixels):
                self._pointers = f"p{u}_" if u else "p"
                for k, value in enumerate(self._values()):
                    line(f"part{k} = {combine(f'part{k}', value) if u else value}")
            self._pointers = "p"
            load, store = source.use("loader", self.working, self.working), source.use("storer", self.working)
            for k in range(parts):
                found = f"{load}({sums}, {k} * {padded} + i)"
                line(f"{store}({sums}, {k} * {padded} + i, {combine(found, f'part{k}')})")
            line("i += LANES")


def moments_rows(ctx: Context, x: View, outs: Sequence[View | None]) -> tuple[Launch, Launch]:
    """Mean and squares around it of each range, and the merge into (mean, variance)."""
    fold = RowsFold(ctx, x.shape, [arg(0)], [x], [])
    slots = Slots.of(ctx, x.shape, 2, fold.lanes, fold.working)
    line = fold.source.line

    def around(values: list[str]) -> list[str]:
        line(f"away = {values[0]} - mean")
        return ["away * away"]

    def body() -> list[str]:
        fold.run(["x"], _sum, lambda values: values)
        line(f"mean = total_x / {fold.splat()}((last - first) * {fold.width})")
        fold.run(["x"], _sum, around)
        return ["mean", "total_x"]

    return fold.down("moments_rows", slots, 0.0, body), slots.merge(ctx, "moments", x.shape, outs)


def reduce_rows(ctx: Context, op: Reduce, part: Fused, outs: Sequence[View]) -> tuple[Launch, Launch]:
    """Sums (or maxima) of each range, what ``part`` stores on the way, and the merge."""
    fold = RowsFold(ctx, op.shape, part.trees, part.reads, part.stored)
    slots = Slots.of(ctx, op.shape, len(outs), fold.lanes, fold.working)
    first = fold.across(f"reduce_{op.op}_rows", slots, IDENTITY[op.op], _sum if op.op == "sum" else _most)
    return first, slots.merge(ctx, op.op, op.shape, outs)


def _sum(x: str, y: str) -> str:
    return f"{x} + {y}"


def _most(x: str, y: str) -> str:
    return f"maximum({x}, {y})"
