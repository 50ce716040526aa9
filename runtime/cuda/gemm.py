"""Matrix products on a GPU in strict float32 and float64: which tiles, how many parts, and the launches.

Everything that is a sum of products comes here: matrix products, convolutions,
their gradients. ``emit_gemm`` says how the kernel works, ``finish`` what happens
to its results.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from math import prod

from runtime.cuda import mma, tiling
from runtime.cuda.emit_gemm import DEPTH, Lattice, Side, Tile, sums
from runtime.cuda.epilogue import Behind, fused
from runtime.cuda.finish import Finish, Grid, Partials, Writer
from runtime.cuda.launch import ACCESS_BYTES, Context, Launch
from runtime.cuda.operands import Operand
from runtime.cuda.product_source import ProductSource
from runtime.cuda.statistics import Gatherer, Statistics
from runtime.cuda.tiling import Choice
from runtime.ops import Pair
from runtime.plan import ITEM_BYTES, Step, View
from runtime.vector.emit import cost

TILES = {
    "f32": {
        Tile(128, 128, 8, 8): 1.0,
        Tile(128, 64, 8, 8): 0.95,
        Tile(64, 64, 8, 4): 0.8,
        Tile(128, 32, 8, 4): 0.75,
        Tile(32, 32, 4, 4): 0.5,
    },
    "f64": {Tile(64, 64, 8, 4): 1.0, Tile(64, 32, 4, 4): 0.8, Tile(32, 32, 4, 2): 0.6},
}
"""Tiles, and the part of the multiply-adds of a processor that each comes to; a guess until it is measured."""

RATE = 128
"""Multiply-adds a cycle and multiprocessor."""

SHARED = 64 * 1024
"""Bytes of shared memory of a block: two of them find room on a multiprocessor, whichever it is."""

HEAVY = 24
"""Operations an element of fused maps that need more registers than sums of 256 threads leave."""


@dataclass(frozen=True)
class Product:
    """C[m, n] = sum over k of A[m, k] B[k, n], perhaps for several pairs side by side.

    Parameters
    ----------
    dtype
        ``f32`` or ``f64``.
    size
        M, N, K.
    a, b
        The factors.
    batch
        Products side by side, along two dimensions.
    grid
        Which elements of the step's result the rows and columns are.
    """

    dtype: str
    size: tuple[int, int, int]
    a: Operand
    b: Operand
    grid: Grid
    batch: Pair = (1, 1)

    def finished(self, step: Step, result: View, context: Context) -> list[Launch]:
        """The launches of the whole step: the product, what is fused behind it, and what is not."""
        behind = Behind.of(step, result, sums=True)
        tile, parts, cycles = self._choice(bool(behind.gathered))
        tensor = mma.launches(self, step, result, context, cycles)
        if tensor is None and parts == 1 and behind.gathered and self._whole and self._by_channel:
            trees = [tree for _, trees in behind.gathered for tree in trees]
            finish = Finish(self.grid, result.shape, behind.listed, behind.reads, gathered=trees)
            if finish.flat and finish.lanes(self._most) == self._most:
                lines, channels = -(-self.size[0] // tile.rows), result.shape[1]
                statistics = Statistics(behind.gathered, lines, channels, self.dtype, context)
                product = self._launch(tile, 1, finish, None, statistics)
                if product.shared <= SHARED:
                    rest = [launch for part in behind.rest for launch in context.of(part)]
                    return [product, *statistics.merges(), *rest]
        found = self.launches(step, result, context) if tensor is None else tensor
        return [*found, *left_over(step, result, context)]

    def launches(
        self, step: Step, result: View, context: Context, tile: Tile | None = None, parts: int | None = None
    ) -> list[Launch]:
        """The launches that compute ``result`` with the maps that can be fused; ``left_over`` are the others.

        ``tile`` and ``parts`` are chosen from the shapes unless given.
        """
        if not self._whole:
            return []
        stored, reads, _ = fused(step, result)
        best_tile, best_parts, cycles = self._choice(cost([tree for tree, _ in stored]) > HEAVY)
        if tile is None:
            found = mma.launches(self, step, result, context, cycles)
            if found is not None:
                return found
        tile, parts = tile or best_tile, parts or best_parts
        finish = Finish(self.grid, result.shape, stored, reads)
        if parts == 1 and finish.flat:
            return [self._launch(tile, 1, finish, None)]
        partials = Partials.of(self.grid, parts, self.dtype, context)
        product = self._launch(tile, parts, partials.store(), partials)
        return [product, partials.merge(result.shape, stored, reads, context)]

    @property
    def _whole(self) -> bool:
        """Whether the result has any element."""
        return 0 not in (*self.size[:2], *self.batch)

    @property
    def _by_channel(self) -> bool:
        """Whether a column is a channel of the result (axis 1), and a product side by side a range of channels."""
        first, *others = self.grid.outer
        if any(p.size > 1 and p.axis != 1 for p in self.grid.columns):
            return False
        if any(p.size > 1 and p.axis == 1 for p in others):
            return False
        return prod(self.batch) == 1 if first.axis != 1 else first.size == 1 or first.step == self.size[1]

    @property
    def _most(self) -> int:
        """Elements of the widest access."""
        return ACCESS_BYTES // ITEM_BYTES[self.dtype]

    def _choice(self, busy: bool) -> tuple[Tile, int, float]:
        """Tile, parts and cycles; ``busy``: what is fused behind the product needs registers."""
        busy |= not all(axis.plain for side in (self.a, self.b) for axis in (side.outer, side.inner))
        best = choose(self.dtype, self.size, prod(self.batch), busy)
        return best.tile, best.parts, best.cycles

    def _launch(
        self, tile: Tile, parts: int, finish: Finish, partials: Partials | None, statistics: Statistics | None = None
    ) -> Launch:
        (m, n, k), most = self.size, self._most
        source = ProductSource(self.dtype, finish.lanes(most))
        down, across = -(-m // tile.rows), -(-n // tile.columns)
        per_part = -(-k // (parts * DEPTH)) * DEPTH
        tiles, columns, inner = source.divisor(down * across), source.divisor(across), source.divisor(self.batch[1])
        position = (
            f"product, tile = over(args, {tiles}, tile), rest(args, {tiles}, tile)",
            f"m0, n0 = over(args, {columns}, tile) * {tile.rows}, rest(args, {columns}, tile) * {tile.columns}",
        )
        source.line("t, tile = thread(), block()", *position)
        source.line(
            f"batch0, batch1 = over(args, {inner}, product), rest(args, {inner}, product)",
            f"k0 = block_y() * {source.word(per_part)}",
            f"k1 = least(k0 + {source.word(per_part)}, {source.word(k)})",
        )
        # two blocks a multiprocessor at least: one computes while the other waits, but they share the registers
        source.bind("RESIDENT", "2")
        left, right = (operand.joined(self.dtype, most) for operand in (self.a, self.b))
        a = Side(source, "a", left, tile.rows, tile.threads, self.dtype, most)
        b = Side(source, "b", right, tile.columns, tile.threads, self.dtype, most)
        a.start(0, "m0")
        b.start(a.bytes, "n0")
        lattice = Lattice(tile, most)
        lattice.start(source)
        sums(source, (a, b), lattice, self.dtype)
        # read and computed anew, so that none of it takes a register while the sums do
        source.line("t, tile = thread_anew(), block_anew()", *position)
        lattice.start(source)
        shared = 2 * (a.bytes + b.bytes)
        ahead = f"block_y() * {source.word(partials.part_bytes)}" if partials else ""
        gatherer = Gatherer(source, statistics, lattice, shared) if statistics else None
        _end(source, lattice, Writer(source, finish, ahead), shared, (m, n), gatherer)
        kernel = source.kernel(f"gemm_{self.dtype}_{tile.rows}x{tile.columns}")
        blocks = (down * across * prod(self.batch), parts, 1)
        taken = shared + (gatherer.bytes if gatherer else 0)
        return Launch(kernel, tuple(source.words), blocks, tile.threads, taken)


def _end(
    source: ProductSource, lattice: Lattice, writer: Writer, shared: int, size: Pair, gatherer: Gatherer | None
) -> None:
    """Lines that take the sums through shared memory and finish them one vector at a time, column by column."""
    tile, lanes, dtype = lattice.tile, lattice.lanes, source.working
    total = tile.high * tile.wide // lanes
    slot = tile.threads * ACCESS_BYTES
    each = 1 << (min(total, shared // slot).bit_length() - 1)
    pieces = lanes // source.lanes
    bits, rows, parts = (n.bit_length() - 1 for n in (tile.high, lanes, pieces))
    source.bind("keep", f"shared_storer({dtype!r}, {lanes})")
    source.bind("again", f"shared_loader({dtype!r}, {source.lanes})")
    high, wide = source.word(size[0]), source.word(size[1])
    source.line(f"mine, turn = t * {ACCESS_BYTES}, 0", f"first = product * {high} + m0 + tile_row")
    if gatherer:
        gatherer.begin()
    with source.block(f"while turn < {total // each}:"):
        for turn in range(total // each):
            with source.block(f"if turn == {turn}:"):
                for v in range(each):
                    j, i = divmod(turn * each + v, tile.high)
                    source.line(f"keep(mine, {v * tile.threads * lanes}, s{i}_{j})")
        source.line("piece = 0")
        with source.block(f"while piece < {each * pieces}:"):
            source.line(
                f"v = piece >> {parts}",
                f"i, j = (turn * {each} + v) & {tile.high - 1}, (turn * {each} + v) >> {bits}",
                f"down = (i >> {rows}) * {lattice.down * lanes} + (i & {lanes - 1})",
                f"column = n0 + tile_column + j * {lattice.column(1)} + (piece & {pieces - 1}) * {source.lanes}",
                "number = first + down",
            )
            if gatherer:
                with source.block("if i == 0:"):
                    gatherer.begin()
            with source.block(f"if (m0 + tile_row + down < {high}) & (column < {wide}):"):
                source.line(f"value = again(mine + v * {slot}, (piece & {pieces - 1}) * {source.lanes})")
                values = writer.body()
                if gatherer:
                    gatherer.take(values)
            if gatherer:
                with source.block(f"if i == {tile.high - 1}:"):
                    gatherer.end()
            source.line("piece += 1")
        source.line("turn += 1")
    if gatherer:
        gatherer.finish(wide, tile.rows)


def left_over(step: Step, result: View, context: Context) -> list[Launch]:
    """The launches of the epilogue that is not fused into the product."""
    return [launch for part in fused(step, result)[2] for launch in context.of(part)]


@functools.cache
def choose(dtype: str, size: tuple[int, int, int], batch: int, busy: bool) -> Choice[Tile]:
    """The tile and the number of parts along k, by shapes alone: the least estimated cycles.

    Two blocks of 256 threads leave a thread 128 registers: enough for sums and
    the places of plain matrices, not where it is ``busy`` with more.
    """
    tiles = [(tile, RATE * quality) for tile, quality in TILES[dtype].items() if not busy or tile.threads <= 128]
    return tiling.choose(tiles, size, batch, DEPTH, ITEM_BYTES[dtype])
