"""Gradient of a convolution with respect to its weights by Winograd, F(r x r, m x m).

Tiles of m x m of dy, and the tiles of m + r - 1 of x that they meet, are
transformed; the sums over all tiles of the products of their elements,
transformed back, are the gradient. That is a matrix product over the tiles for
each of (m + r - 1)^2 points, channels of x by channels of dy.

Small weights: a chunk transforms some tiles at a time into its thread's memory
and adds their products to sums of its own; the chunks' gradients are merged.
Large weights: all tiles are transformed first, then a chunk is a block of the
weights.

Source
    Lavin and Gray 2016, "Fast algorithms for convolutional neural networks".
"""

from __future__ import annotations

from dataclasses import dataclass

from runtime import ops
from runtime.cpu.launch import ArgsOf, Context, FunctionOf, Launch, ThreadStride, kernel_file, launcher
from runtime.cpu.pack import Columns, columns_of
from runtime.cpu.winograd.conv import odd_lines
from runtime.plan import Step, View
from runtime.vector.kernel import Address, Word, address_of, byte_strides
from runtime.ways import WINOGRAD_2, WINOGRAD_4
from runtime.winograd import TILE

BLOCK_TILES = 32
"""Tiles transformed at a time where they are summed: they and the sums should stay in the second-level cache."""

PART_TILES = 256
"""Tiles that repay sums of their own, a merge included."""

ALL_TILES = 6.5
"""Transformed tiles by sums, in elements, below which all tiles are transformed first."""

LONG_BLOCK = 64
"""Tiles summed at a time where all are transformed: a tile's strips of them stay in the first-level cache."""

CHUNK_ROWS, CHUNK_COLUMNS = 32, 2
"""Rows and column blocks of a chunk's sums, which the second-level cache holds at all points."""


@launcher(ops.ConvWeightGrad, WINOGRAD_2)
@launcher(ops.ConvWeightGrad, WINOGRAD_4)
def conv_weight_grad(step: Step, ctx: Context) -> list[Launch]:
    """Launches of ``ops.ConvWeightGrad`` by F(r x r, 2 x 2) or F(r x r, 4 x 4)."""
    op = step.op
    assert isinstance(op, ops.ConvWeightGrad)
    assert step.algorithm is not None
    dw = step.writes[0]
    assert dw is not None
    case = _Case.of(op, step.reads[0], step.reads[1], TILE[step.algorithm], ctx)
    split = _Split.of(case)
    sides = [_Side(case, split, which, ctx) for which in ("bt", "g")]
    transforms = [side.launch(ctx, step.barrier and k == 0) for k, side in enumerate(sides)]
    size = dw.count * dw.item_bytes
    to = ctx.scratch(split.parts * size) if split.parts > 1 else address_of(dw)
    sums = _sums(case, split, sides, transforms, to, size, step.barrier, ctx)
    launches = [sums] if split.inline else [*transforms, sums]
    return launches if split.parts == 1 else [*launches, _merge(dw, to, split.parts, ctx)]


@dataclass(frozen=True)
class _Case:
    """The gradient of r x r weights from tiles of m x m; ``grid`` tiles down and across an image."""

    x: View
    dy: View
    pad: tuple[int, int]
    groups: int
    r: int
    m: int
    grid: tuple[int, int]
    rows: int
    left: Columns
    right: Columns

    @classmethod
    def of(cls, op: ops.ConvWeightGrad, x: View, dy: View, m: int, ctx: Context) -> _Case:
        grid = -(-dy.shape[2] // m), -(-dy.shape[3] // m)
        rows, columns = x.shape[1] // op.groups, dy.shape[1] // op.groups
        left, right = columns_of(ctx, x.dtype, rows), columns_of(ctx, dy.dtype, columns)
        return cls(x, dy, op.pad, op.groups, op.kernel[0], m, grid, rows, left, right)

    @property
    def n(self) -> int:
        """Rows of a tile of x."""
        return self.m + self.r - 1

    @property
    def points(self) -> int:
        """Elements of a transformed tile."""
        return self.n * self.n

    @property
    def tiles(self) -> int:
        """Tiles of all images."""
        return self.dy.shape[0] * self.grid[0] * self.grid[1]


@dataclass(frozen=True)
class _Split:
    """How the work is cut, from the shapes alone.

    Parameters
    ----------
    inline
        Tiles are transformed where they are summed.
    block
        Tiles in a block.
    parts
        Ranges of blocks summed apart.
    groups, rows, columns
        Groups, rows and column blocks a chunk.
    """

    inline: bool
    block: int
    parts: int
    groups: int
    rows: int
    columns: int

    @classmethod
    def of(cls, case: _Case) -> _Split:
        """The faster of the two, as measured: memory for all tiles costs more than sums for every part, or less."""
        tiles, rows, columns = case.tiles, case.rows, case.right.count
        if tiles * (rows + columns) < ALL_TILES * rows * columns:
            block = min(tiles, LONG_BLOCK)
            some = -(-CHUNK_ROWS // case.left.width) * case.left.width  # a chunk begins with a panel
            return cls(False, block, 1, 1, min(rows, some), min(case.right.blocks, CHUNK_COLUMNS))
        wanted = 1 << max(0, (tiles // PART_TILES).bit_length() - 1)
        parts = min(max(wanted, 4 if tiles >= PART_TILES else 2), 16, tiles)
        each = -(-tiles // parts)
        block = -(-each // -(-each // BLOCK_TILES))
        return cls(True, block, min(parts, -(-tiles // block)), case.groups, rows, case.right.blocks)

    def blocks(self, tiles: int) -> int:
        """Blocks of tiles in all."""
        return -(-tiles // self.block)


class _Side:
    """One operand's transformed tiles: element (i, j) of each, its channels in panels of a tile of the product."""

    def __init__(self, case: _Case, split: _Split, which: str, ctx: Context) -> None:
        self.case, self.split, self.which = case, split, which
        x = which == "bt"
        self.view, self.columns = (case.x, case.left) if x else (case.dy, case.right)
        self.size = case.n if x else case.m
        height, width = case.dy.shape[2:]
        self.reach = (height + case.r - 1, width + case.r - 1) if x else (height, width)
        strides = self.strides = byte_strides(self.view)
        pad = case.pad if x else (0, 0)
        self.start = self.view.offset - pad[0] * strides[2] - pad[1] * strides[3]
        self.tile = self.columns.width * self.view.item_bytes
        self.panel = (split.block if split.inline else case.tiles) * self.tile
        self.group = self.columns.blocks * self.panel
        self.point = odd_lines(case.groups * self.group)
        take = ctx.thread_scratch if split.inline else ctx.scratch
        self.to = take(case.points * self.point)

    @property
    def places(self) -> tuple[Word, ...]:
        """Where they lie: the words from the address to the bytes of a tile."""
        block = 0 if self.split.inline else self.split.block * self.tile
        return self.to, self._stride, block, self.point, self.panel, self.group, self.tile

    @property
    def _stride(self) -> Word:
        return ThreadStride() if self.split.inline else 0

    def launch(self, ctx: Context, barrier: bool) -> Launch:
        """The transform; chunk c is the c-th block of tiles where a chunk of sums calls for it."""
        case, s = self.case, self.strides
        lanes, dtype = ctx.lanes(self.view.dtype), self.view.dtype
        some = self.split.block if self.split.inline else max(1, min(16, case.tiles // 32))
        count = self.columns.count
        words: tuple[Word, ...] = (
            Address(self.view.memory, self.start), s[0], s[2], s[3], case.m, *case.grid, *self.reach,
            case.tiles, some,
            case.groups, count * self.view.item_bytes, -(-count // lanes), self.columns.width // lanes,
            self.to, self._stride, 0 if self.split.inline else some * self.tile, self.tile, self.panel,
            case.n * self.point, self.point, 0 if self.split.inline else self.tile,
            ctx.thread_scratch(self.size**2 * lanes * self.view.item_bytes), ThreadStride(), case.m * s[2],
        )  # fmt: skip
        kernel = kernel_file("winograd_tiles", SCALAR=dtype, LANES=lanes, OUTPUTS=case.r, TILE=case.m, SIDE=self.which)
        return Launch(kernel, words, -(-case.tiles // some), barrier)

    @property
    def next(self) -> tuple[Word, int]:
        """What a block's products fetch for the next block: an address, a block's and point's share in bytes.

        Tiles are taken to follow one another in memory; the row and a half of
        tiles that they are not so is fetched ahead.
        """
        case, image = self.case, self.strides[0]
        tiles = case.grid[0] * case.grid[1]
        dense = self.strides[3] <= 2 * self.view.shape[1] * self.view.item_bytes
        share = -(-image * self.split.block // (tiles * case.points)) if self.split.inline and dense else 0
        ahead = (2 * self.split.block + 3 * case.grid[1]) * image // (2 * tiles)
        return Address(self.view.memory, self.start + ahead), share


def _sums(
    case: _Case,
    split: _Split,
    sides: list[_Side],
    transforms: list[Launch],
    to: Address,
    part_bytes: int,
    barrier: bool,
    ctx: Context,
) -> Launch:
    dtype, item = case.dy.dtype, case.dy.item_bytes
    lanes, right = ctx.lanes(dtype), case.right
    back = kernel_file("winograd_weight_grad_back", SCALAR=dtype, LANES=lanes, OUTPUTS=case.r, TILE=case.m)
    wide, narrow = (
        FunctionOf(kernel_file("winograd_sums", SCALAR=dtype, LANES=lanes, VECTORS=max(1, width // lanes)))
        for width in (right.width, right.narrow or right.width)
    )
    called = [w for t in transforms for w in (FunctionOf(t.kernel), ArgsOf(t))] if split.inline else [0] * 4
    row_chunks, column_chunks = -(-case.rows // split.rows), -(-right.blocks // split.columns)
    block = -(-split.rows // 4) * 4 * right.width * item
    group = split.columns * block
    point = odd_lines(split.groups * group)
    taps = case.r * case.r
    column_bytes = case.rows * taps * item
    words: tuple[Word, ...] = (
        wide, narrow, right.width, right.narrow, FunctionOf(back), case.points,
        *called, *sides[0].next, *sides[1].next,
        *sides[0].places, case.left.width, *sides[1].places,
        case.tiles, split.block, split.blocks(case.tiles), split.parts, case.groups, split.groups,
        case.rows, split.rows, row_chunks, right.count, right.blocks, split.columns, column_chunks,
        ctx.thread_scratch(case.points * point), point, block, group,
        to, part_bytes, right.count * column_bytes, column_bytes, taps * item,
        ctx.thread_scratch((taps + 1) * lanes * lanes * item), ctx.thread_scratch(256), ThreadStride(),
    )  # fmt: skip
    chunks = split.parts * -(-case.groups // split.groups) * row_chunks * column_chunks
    return Launch(kernel_file("winograd_weight_grad"), words, chunks, barrier if split.inline else True)


def _merge(dw: View, partial: Address, parts: int, ctx: Context) -> Launch:
    lanes = ctx.lanes(dw.dtype)
    some = -(-max(dw.count // 64, 1024) // lanes) * lanes
    words: tuple[Word, ...] = (partial, parts, dw.count * dw.item_bytes, address_of(dw), dw.count, some)
    return Launch(kernel_file("winograd_merge", SCALAR=dw.dtype, LANES=lanes), words, -(-dw.count // some), True)
