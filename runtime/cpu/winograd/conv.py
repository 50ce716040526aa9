"""Convolution and its input gradient by Winograd's algorithm, F(m x m, r x r) at stride 1.

Source
    Lavin and Gray 2016, "Fast algorithms for convolutional neural networks";
    Caffe ``ConvolutionLayer`` for the semantics.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from runtime.cpu.launch import PACKED, ArgsOf, Context, FunctionOf, Launch, Tail, ThreadStride, kernel_file
from runtime.cpu.pack import called, columns_of, tile_cost
from runtime.plan import ITEM_BYTES, STATE_MEMORY
from runtime.vector.kernel import Address, Kernel, Word

LINE = 64
MEBI = 1 << 20

CACHE_BYTES = 512 * 1024
"""Points and sums of a chunk that stay in the second-level cache beside the weights."""

SUMS_BYTES = 640 * 1024
"""Sums of one block of columns that are made before they go back to tiles."""

UNIT = 16
"""Tiles a chunk where points are made ahead."""


@dataclass(frozen=True)
class Winograd:
    """y[n, h, w, k] = sum over taps r, s and channels c of x[n, h + r, w + s, c] * w, strides in bytes.

    Parameters
    ----------
    x, x_strides
        Input of the first tap of the first output pixel; steps from image to
        image, row to row, pixel to pixel.
    y, y_strides
        Likewise of the output.
    size
        Images, output rows and columns.
    tile, taps
        m and r.
    channels, groups, columns
        Input channels and output channels a group, and groups.
    w, w_group, w_channel, w_column
        Weight of the first tap in memory; steps from group to group, along c and k.
    flipped
        Whether the first tap in memory is the last one here.
    """

    dtype: str
    x: Address
    x_strides: tuple[int, int, int]
    y: Address
    y_strides: tuple[int, int, int]
    size: tuple[int, int, int]
    tile: int
    taps: int
    channels: int
    groups: int
    columns: int
    w: Address
    w_group: int
    w_channel: int
    w_column: int
    flipped: bool

    @property
    def item(self) -> int:
        """Bytes an element."""
        return ITEM_BYTES[self.dtype]

    @property
    def points(self) -> int:
        """Products a tile and pair of channels."""
        return (self.tile + self.taps - 1) ** 2

    @property
    def tiles(self) -> tuple[int, int]:
        """Rows and columns of tiles of an image."""
        return -(-self.size[1] // self.tile), -(-self.size[2] // self.tile)

    def kernel(self, name: str, ctx: Context) -> Kernel:
        """A transform's kernel."""
        lanes = ctx.lanes(self.dtype)
        return kernel_file(name, SCALAR=self.dtype, LANES=lanes, TILE=self.tile, TAPS=self.taps)


def odd_lines(size: int) -> int:
    """At least ``size`` bytes, an odd number of cache lines: multiples of it spread over the cache's sets."""
    lines = -(-size // LINE)
    return (lines | 1) * LINE


class Lowering:
    """The launches of one convolution."""

    def __init__(self, c: Winograd, ctx: Context) -> None:
        self.c, self.ctx = c, ctx
        self.lanes = ctx.lanes(c.dtype)
        self.columns = columns_of(ctx, c.dtype, c.columns)
        self.u_step = self.columns.width * c.item
        self.u_point = odd_lines(c.channels * self.u_step)
        self.u_block = c.points * self.u_point
        self.blocks = c.groups * self.columns.blocks
        self.vectors = -(-c.groups * c.channels // self.lanes)
        self.v_tile = self.vectors * self.lanes * c.item
        tiles_h, self.tiles_w = c.tiles
        self.rows = c.size[0] * tiles_h
        self.tiles = self.rows * self.tiles_w
        self.block = ctx.thread_scratch(128 + c.tile**2 * self.lanes * c.item)

    def fused(self, tail: Tail) -> list[Launch]:
        """All of it tile by tile, behind the weights."""
        c, ctx = self.c, self.ctx
        u = ctx.packed(c.w, self.blocks * self.u_block)
        rows_a_chunk = rows_of_chunk(
            self.rows, self.tiles_w, c.points * (self.v_tile + self.u_step), self.blocks * self.u_block
        )
        unit = rows_a_chunk * self.tiles_w
        v_point = odd_lines(unit * self.v_tile)
        v = ctx.thread_scratch(c.points * v_point)
        to_points = self._to_points(v, v_point, unit, relative=True)
        m, m_point = self._sums(unit)
        from_points = self._from_points(m, m_point)
        words: tuple[Word, ...] = (
            FunctionOf(to_points.kernel), ArgsOf(to_points), *self._products(),
            FunctionOf(from_points.kernel), ArgsOf(from_points),
            v, ThreadStride(), self.v_tile, v_point, c.channels * c.item, u, self.u_block, self.u_step, self.u_point,
            m, ThreadStride(), self.u_step, m_point, c.points, c.channels, c.y, c.columns * c.item, c.item,
            c.groups, self.columns.count, self.columns.blocks, self.columns.width, self.columns.narrow,
            self.rows, rows_a_chunk, self.tiles_w, c.tiles[0], c.tile, c.size[1],
            self.block, ThreadStride(), *called(tail.inside),
        )  # fmt: skip
        product = Launch(kernel_file("winograd"), words, -(-self.rows // rows_a_chunk))
        return [self._packing(u), product, *tail.after]

    def staged(self, tail: Tail) -> list[Launch]:
        """The points of all tiles first, then a block of columns a chunk."""
        c, ctx = self.c, self.ctx
        v_point = odd_lines(self.tiles * self.v_tile)
        v = ctx.scratch(c.points * v_point)
        to_points = self._to_points(v, v_point, UNIT, relative=False)
        sets = -(-self.tiles * c.points * self.u_step // SUMS_BYTES)
        tiles_a_set = -(-self.tiles // sets)
        m, m_point = self._sums(tiles_a_set)
        from_points = self._from_points(m, m_point)
        kept: list[Launch] = []
        transform: tuple[Word, ...] = (0, 0)
        if ctx.keep_packed and c.w.memory in STATE_MEMORY:
            u = ctx.packed(c.w, self.blocks * self.u_block)
            kept = [replace(self._packing(u), barrier=False)]
        else:
            u = ctx.thread_scratch(self.u_block)
            weights = self._weights(u, ThreadStride(), c.channels, relative=True)
            transform = (FunctionOf(weights.kernel), ArgsOf(weights))
        words: tuple[Word, ...] = (
            *transform, *self._products(), FunctionOf(from_points.kernel), ArgsOf(from_points),
            v, self.v_tile, v_point, c.channels * c.item,
            u, 0 if kept else ThreadStride(), self.u_block if kept else 0, self.u_step, self.u_point,
            m, ThreadStride(), self.u_step, m_point, c.points, c.channels, c.y, c.columns * c.item, c.item,
            self.columns.count, self.columns.blocks, self.columns.width, self.columns.narrow,
            self.tiles, tiles_a_set, self.block, ThreadStride(),
        )  # fmt: skip
        product = Launch(kernel_file("winograd_staged"), words, self.blocks)
        return [to_points, *kept, product, *tail.apart]

    def _products(self) -> tuple[Word, ...]:
        """The product's kernel for a whole block of columns, and for a narrow one."""
        dtype, columns = self.c.dtype, self.columns

        def kernel(vectors: int) -> FunctionOf:
            return FunctionOf(kernel_file("winograd_product", SCALAR=dtype, LANES=self.lanes, VECTORS=vectors))

        wide = kernel(columns.width // self.lanes)
        return wide, kernel(1) if columns.narrow else wide

    def _packing(self, u: Address) -> Launch:
        """G g G' of all weights, kept if they are."""
        return replace(self._weights(u, 0, 16, relative=False), refresh=u.memory == PACKED)

    def _weights(self, u: Address, stride: Word, part: int, relative: bool) -> Launch:
        c = self.c
        taps = self.ctx.thread_scratch(-(-(c.taps**2) // self.lanes) * self.lanes * self.lanes * c.item)
        parts = -(-c.channels // part)
        words: tuple[Word, ...] = (
            c.w, c.w_group, c.w_channel, c.w_column, int(c.flipped),
            self.columns.count, self.columns.blocks, self.columns.width, c.channels, part, parts,
            u, stride, self.u_block, self.u_point, int(relative), taps, ThreadStride(),
        )  # fmt: skip
        return Launch(c.kernel("winograd_weights", self.ctx), words, self.blocks * parts)

    def _to_points(self, v: Address, v_point: int, unit: int, relative: bool) -> Launch:
        """B' d B of ``unit`` tiles a chunk."""
        c = self.c
        words: tuple[Word, ...] = (
            c.x, *c.x_strides, *c.tiles, c.size[1] + c.taps - 1, c.size[2] + c.taps - 1, self.vectors,
            v, ThreadStride() if relative else 0, v_point, self.v_tile, unit, self.tiles, int(relative),
            c.tile + c.taps - 1,
        )  # fmt: skip
        return Launch(c.kernel("winograd_input", self.ctx), words, -(-self.tiles // unit))

    def _sums(self, tiles: int) -> tuple[Address, int]:
        """Room for the products of so many tiles, and its bytes from point to point."""
        point = odd_lines(tiles * self.u_step)
        return self.ctx.thread_scratch(self.c.points * point), point

    def _from_points(self, m: Address, m_point: int) -> Launch:
        """A' m A of some tiles of a block of columns."""
        c = self.c
        words: tuple[Word, ...] = (
            m, ThreadStride(), m_point, self.u_step, *c.y_strides, *c.tiles, c.size[1], c.size[2],
            self.block, ThreadStride(),
        )  # fmt: skip
        return Launch(c.kernel("winograd_output", self.ctx), words, 1)


def launches(c: Winograd, ctx: Context, tail: Tail) -> list[Launch]:
    """The launches of a convolution and its tail."""
    lowering = Lowering(c, ctx)
    weights, points = lowering.blocks * lowering.u_block, c.points * lowering.tiles * lowering.v_tile
    if is_staged(weights, points, lowering.tiles):
        return lowering.staged(tail)
    return lowering.fused(tail)


def is_staged(weights: int, points: int, tiles: int) -> bool:
    """Whether to meet each block of weights once: there are many bytes of them, and few tiles.

    ``weights`` and ``points`` (of all tiles) in bytes.
    """
    return weights >= 2 * MEBI and points <= 32 * MEBI and (tiles <= 160 or weights > 16 * MEBI)


def rows_of_chunk(rows: int, width: int, tile_bytes: int, weights: int) -> int:
    """Rows of ``width`` tiles a chunk, from the shapes alone.

    Up to 64 tiles, more where their points and sums (``tile_bytes`` each) stay
    in the second-level cache, so that the product's register tiles come out
    even, the chunks can be shared out, and the ``weights`` (bytes of all
    points) are not met too often.
    """
    most = min(112, max(64, CACHE_BYTES // tile_bytes))
    best, choice = 0.0, 1
    for count in range(1, rows + 1):
        tiles = count * width
        if count > 1 and tiles > most:
            break
        chunks = -(-rows // count)
        score = tiles / tile_cost(tiles) * chunks / (4 * -(-chunks // 4)) * tiles / (tiles + 4 + weights / MEBI)
        if score > best:
            best, choice = score, count
    return choice
