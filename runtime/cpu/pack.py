"""Launches that all products share: the tile kernel's choice, packing, strided copies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

from runtime.cpu.launch import PACKED, ArgsOf, Context, FunctionOf, Launch, ThreadStride, kernel_file
from runtime.plan import ITEM_BYTES
from runtime.vector.kernel import Address, Kernel, Word

ZEROS: tuple[int, ...] = (0,) * 16
"""Words that hold a tile row of zeros, for kernels that start sums from their own arguments."""

BLOCK_BYTES = 128
"""Bytes of a tile's block of words in front of its tables."""


def tile_kernel(ctx: Context, dtype: str, vectors: int) -> Kernel:
    """The micro-kernel of a dtype, ``vectors`` vectors wide."""
    return kernel_file("tile", SCALAR=dtype, LANES=ctx.lanes(dtype), VECTORS=vectors)


@dataclass(frozen=True)
class Columns:
    """How the columns of a product fall into blocks of a tile's width.

    Parameters
    ----------
    count
        Columns in all.
    width
        Columns a block: two vectors, or one where that holds them all.
    narrow
        The last block goes through the one-vector tile if it has no more than
        this many columns.
    """

    count: int
    width: int
    narrow: int

    @property
    def blocks(self) -> int:
        """Number of blocks."""
        return -(-self.count // self.width)

    def words(self, ctx: Context, dtype: str) -> tuple[Word, ...]:
        """Wide kernel, narrow kernel, columns of each, as kernels take them."""
        wide = FunctionOf(tile_kernel(ctx, dtype, 1 if self.width == ctx.lanes(dtype) else 2))
        narrow = FunctionOf(tile_kernel(ctx, dtype, 1)) if self.narrow else wide
        return wide, narrow, self.width, self.narrow


def columns_of(ctx: Context, dtype: str, count: int) -> Columns:
    """Blocks for ``count`` columns: the one-vector tile only where it saves half a block."""
    lanes = ctx.lanes(dtype)
    if count <= lanes:
        return Columns(count, lanes, 0)
    rest = count % (2 * lanes)
    return Columns(count, 2 * lanes, lanes if 0 < rest <= lanes else 0)


@dataclass(frozen=True)
class Packing:
    """Blocks of columns packed as [group][block][i][j][k][lane]; see kernels/pack.py.

    Strides in bytes, for the three reduction levels and from column to column.
    """

    source: Address
    group_stride: int
    groups: int
    columns: Columns
    counts: tuple[int, int, int]
    strides: tuple[int, int, int]
    column_stride: int
    dtype: str

    @property
    def block_bytes(self) -> int:
        """Bytes of one packed block."""
        return prod(self.counts) * self.columns.width * ITEM_BYTES[self.dtype]

    @property
    def bytes(self) -> int:
        """Bytes of all packed blocks."""
        return self.groups * self.columns.blocks * self.block_bytes

    @property
    def _runs(self) -> bool:
        """Whether each column is one contiguous run of (k, i, j), worth transposing."""
        item = ITEM_BYTES[self.dtype]
        (n_i, n_j, n_k), (s_i, s_j, s_k) = self.counts, self.strides
        rows_follow = n_i == 1 or s_i == n_j * item
        run = rows_follow and (n_j == 1 or s_j == item) and s_k == n_i * n_j * item
        return run and n_i * n_j * n_k >= 16 and self.columns.count >= 4

    def launch(self, ctx: Context, to: Address, barrier: bool) -> Launch:
        """The launch that packs to ``to``."""
        square = ctx.thread_scratch(ctx.lanes(self.dtype) * self.columns.width * ITEM_BYTES[self.dtype])
        words = (
            self.source, to, self.group_stride, self.columns.count, self.columns.blocks, self.columns.width,
            *self.counts, *self.strides, self.column_stride,
            int(self._runs), square, ThreadStride(),
        )  # fmt: skip
        kernel = kernel_file("pack", SCALAR=self.dtype, LANES=ctx.lanes(self.dtype))
        return Launch(kernel, words, self.groups * self.columns.blocks, barrier, refresh=to.memory == PACKED)


TILE_COST = {14: 14.0, 8: 8.4, 4: 4.6, 2: 3.0, 1: 2.0}
"""Time of a tile by its rows, in rows of the tallest one (measured on Zen 4)."""


def tile_cost(rows: int) -> float:
    """Time of ``rows`` rows taken in tiles of falling height, in rows of the tallest."""
    cost = 0.0
    for height, price in TILE_COST.items():
        cost += rows // height * price
        rows %= height
    return cost


def copy(
    ctx: Context,
    dtype: str,
    source: Address | int,
    source_strides: tuple[int, ...],
    to: Address,
    strides: tuple[int, ...],
    sizes: tuple[int, ...],
    barrier: bool,
) -> Launch:
    """The launch of a strided copy (bytes; up to five axes, chunks along the first); source 0 is zeros."""
    lead = (1,) * (5 - len(sizes))
    none = (0,) * (5 - len(sizes))
    axes = (*sizes[:1], *lead, *sizes[1:])
    s = (*source_strides[:1], *none, *source_strides[1:])
    t = (*strides[:1], *none, *strides[1:])
    kernel = kernel_file("copy", SCALAR=dtype, LANES=ctx.lanes(dtype))
    return Launch(kernel, (source, to, *axes[1:], *s, *t), axes[0], barrier)


def called(launches: Sequence[Launch]) -> tuple[Word, ...]:
    """Words of epilogues that a kernel calls: their number, then function and arguments of each."""
    return (len(launches), *(w for e in launches for w in (FunctionOf(e.kernel), ArgsOf(e))))


def rows_of_chunk(rows: int, row_work: float) -> int:
    """Rows a chunk, from the shapes alone: some 50 thousand vector operations, and at least 16 chunks if it can."""
    return max(1, min(-(-rows // 16), -(-50_000 // max(1, int(row_work)))))
