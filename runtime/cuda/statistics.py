"""Sums and moments of a product's channels, gathered while its results are at hand: a pass over memory less.

A thread adds up the rows of its vectors of columns; the threads of a column
leave what they found in shared memory, one of them merges it in order and
writes it to scratch, a line for each tile. A launch behind the product merges
the lines (``moments``, ``reduce``). The order depends on shapes alone.

Source
    Chan, Golub and LeVeque 1979, "Updating formulae and a pairwise algorithm for
    computing sample variances" (merging moments).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from runtime import ops
from runtime.cuda import moments, reduce
from runtime.cuda.emit_gemm import Lattice
from runtime.cuda.launch import ACCESS_BYTES, Context, Launch
from runtime.cuda.product_source import ProductSource
from runtime.expr import Expr
from runtime.plan import ITEM_BYTES, Step, View
from runtime.vector.emit import Stream
from runtime.vector.kernel import Address, address_of

NAMES = {"sum": ("sum",), "max": ("most",), "moments": ("mean", "square", "count")}
"""What a thread gathers, by kind."""


@dataclass(frozen=True)
class Gathered:
    """A value of each element, reduced over all rows.

    Parameters
    ----------
    kind
        ``sum``, ``max`` or ``moments``.
    addresses
        Of what tiles leave: an array (tile, channel) for each of ``NAMES``.
    """

    kind: str
    addresses: tuple[Address, ...]


class Statistics:
    """The reductions that a product takes along.

    Parameters
    ----------
    steps
        Reductions and their trees (``epilogue.Behind``).
    tiles, channels
        Lines and columns of what tiles leave.
    dtype, context
        Of the product.
    """

    def __init__(
        self, steps: Sequence[tuple[Step, list[Expr]]], tiles: int, channels: int, dtype: str, context: Context
    ) -> None:
        self.steps, self.tiles, self.channels, self.dtype, self.context = steps, tiles, channels, dtype, context
        self.trees = [tree for _, trees in steps for tree in trees]
        size = tiles * channels * ITEM_BYTES[dtype]
        self.values = [
            Gathered(kind, tuple(context.scratch(size) for _ in NAMES[kind]))
            for step, trees in steps
            for kind in [_kind(step)] * len(trees)
        ]

    def merges(self) -> list[Launch]:
        """The launches that merge the lines of tiles."""
        item, shape, found, n = ITEM_BYTES[self.dtype], (self.tiles, self.channels), [], 0
        for step, trees in self.steps:
            streams = [
                [Stream(a, (self.channels * item, item), self.dtype) for a in value.addresses]
                for value in self.values[n : n + len(trees)]
            ]
            n += len(trees)
            outs = [None if v is None else _channels(v) for v in step.writes]
            if isinstance(step.op, ops.Moments):
                found.append(moments.merged(streams[0], shape, outs, self.context))
            else:
                wanted = [(s[0], out) for s, out in zip(streams, outs, strict=True) if out is not None]
                found.append(reduce.merged(cast(ops.Reduce, step.op).op, wanted, shape, self.context))
        return found


class Gatherer:
    """The lines by which a product's kernel gathers.

    Parameters
    ----------
    source
        The kernel; its vectors are whole.
    statistics
        What is wanted.
    lattice
        Where a thread's sums lie.
    start
        Bytes of shared memory that are taken.
    """

    def __init__(self, source: ProductSource, statistics: Statistics, lattice: Lattice, start: int) -> None:
        self.source, self.statistics, self.lattice, self.start = source, statistics, lattice, start
        self.across = lattice.tile.columns // lattice.lanes
        self.lines = lattice.tile.rows // lattice.tile.high
        self.plane = self.across * self.lines * ACCESS_BYTES
        self.states = [
            (f"{name}{n}", address, n)
            for n, value in enumerate(statistics.values)
            for name, address in zip(NAMES[value.kind], value.addresses, strict=True)
        ]

    @property
    def bytes(self) -> int:
        """Shared memory that it takes."""
        return len(self.states) * self.plane

    def begin(self) -> None:
        """Lines for the first row of a vector of columns."""
        zeros = self.source.use("splatter", self.source.working)
        for n, value in enumerate(self.statistics.values):
            if value.kind == "moments":
                self.source.line(f"pivot{n} = around{n} = square{n} = count{n} = {zeros}(0.0)")
            else:
                identity = "0.0" if value.kind == "sum" else self.source.real(float("-inf"))
                self.source.line(f"{NAMES[value.kind][0]}{n} = {zeros}({identity})")

    def take(self, names: Sequence[str]) -> None:
        """Lines for an element: moments count from the first row, so that squares of large means lose no digits."""
        one = f"{self.source.use('splatter', self.source.working)}(1.0)"
        for n, (value, name) in enumerate(zip(self.statistics.values, names, strict=True)):
            if value.kind == "sum":
                self.source.line(f"sum{n} = add(sum{n}, {name})")
            elif value.kind == "max":
                self.source.line(f"most{n} = maximum(most{n}, {name})")
            else:
                with self.source.block("if i == 0:"):
                    self.source.line(f"pivot{n} = {name}")
                self.source.line(
                    f"off = sub({name}, pivot{n})",
                    f"around{n} = add(around{n}, off)",
                    f"square{n} = add(square{n}, mul(off, off))",
                    f"count{n} = add(count{n}, {one})",
                )

    def end(self) -> None:
        """Lines for behind the last row: what the thread found goes to shared memory."""
        source, one = self.source, f"{self.source.use('splatter', self.source.working)}(1.0)"
        for n, value in enumerate(self.statistics.values):
            if value.kind == "moments":
                source.line(
                    f"around{n} = around{n} / maximum(count{n}, {one})",
                    f"mean{n} = add(pivot{n}, around{n})",
                    f"square{n} = sub(square{n}, mul(count{n}, mul(around{n}, around{n})))",
                )
        vector = f"((tile_column + j * {self.lattice.column(1)}) >> {_bits(self.lattice.lanes)})"
        source.line(f"spot = {self.start} + ({self.lattice.line()} * {self.across} + {vector}) * {ACCESS_BYTES}")
        source.line(*(f"keep(spot + {k * self.plane}, 0, {name})" for k, (name, _, _) in enumerate(self.states)))

    def finish(self, columns: str, rows: int) -> None:
        """Lines for the end: a thread for each vector of columns merges what the others left, in order, and writes it.

        ``columns``: text of the columns of a product; ``rows``: of a tile.
        """
        source, item, lanes = self.source, ITEM_BYTES[self.source.working], self.lattice.lanes
        store = source.use("aligned_storer", source.working)
        source.bind("all_of", f"shared_loader({source.working!r}, {lanes})")
        source.line("barrier()")
        with source.block(f"if (t < {self.across}) & (n0 + t * {lanes} < {columns}):"):
            source.line(f"spot, line = {self.start} + t * {ACCESS_BYTES}, 1")
            source.line(*(f"{name} = all_of(spot + {k * self.plane}, 0)" for k, (name, _, _) in enumerate(self.states)))
            with source.block(f"while line < {self.lines}:"):
                source.line(f"spot += {self.across * ACCESS_BYTES}")
                source.line(*(f"other{k} = all_of(spot + {k * self.plane}, 0)" for k in range(len(self.states))))
                self._merge()
                source.line("line += 1")
            line = f"(m0 >> {_bits(rows)}) * {source.word(self.statistics.channels)}"
            source.line(f"channel = ({line} + product * {columns} + n0 + t * {lanes}) * {item}")
            source.line(*(f"{store}({source.word(address)} + channel, 0, {name})" for name, address, _ in self.states))

    def _merge(self) -> None:
        one = f"{self.source.use('splatter', self.source.working)}(1.0)"
        for k, (name, _, n) in enumerate(self.states):
            if name.startswith("sum"):
                self.source.line(f"{name} = add({name}, other{k})")
            elif name.startswith("most"):
                self.source.line(f"{name} = maximum({name}, other{k})")
            elif name.startswith("mean"):
                self.source.line(
                    f"away, both = sub(other{k}, mean{n}), add(count{n}, other{k + 2})",
                    f"share = other{k + 2} / maximum(both, {one})",
                    f"square{n} = add(add(square{n}, other{k + 1}), mul(mul(count{n}, share), mul(away, away)))",
                    f"mean{n}, count{n} = add(mean{n}, mul(away, share)), both",
                )


def _channels(view: View) -> Stream:
    """A value for each channel, over (tile, channel)."""
    return Stream(address_of(view), (0, view.strides[1] * view.item_bytes), view.dtype)


def _bits(power: int) -> int:
    return power.bit_length() - 1


def _kind(step: Step) -> str:
    return "moments" if isinstance(step.op, ops.Moments) else cast(ops.Reduce, step.op).op
