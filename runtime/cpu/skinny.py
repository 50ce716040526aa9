"""Matrix products of few rows or a short reduction: what they mostly do is stream one large matrix.

The three of a fully connected layer. y = x w^T goes along the rows of both
(kernels/dots.py). dx = dy w reads the weights and dw = dy^T x makes as many
numbers: their tiles are low and wide, so that a line of the large matrix serves
many products once it is there, and the next lines are asked for meanwhile.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from runtime.cpu.flat_tail import cut
from runtime.cpu.launch import ArgsOf, Context, FunctionOf, Launch, ThreadStride, kernel_file
from runtime.cpu.matmul import Matrix
from runtime.cpu.pack import BLOCK_BYTES, ZEROS
from runtime.plan import ITEM_BYTES, Step
from runtime.vector.kernel import Address, Word

VECTORS = 4
"""Vectors of a tile."""

AHEAD_BLOCK_BYTES = 192
"""Bytes of a tile's words, AHEAD included."""

STRIP = 512
"""Columns of a strip, about: two kilobytes of each row in one go."""

PART = 128
"""Steps of the reduction a part; with a strip 256 KB of float32."""

SUMS_BYTES = 128 * 1024
"""Of a chunk's sums."""

CHUNK_WORK = 1_000_000
"""Arithmetic operations that are worth a chunk."""

CHUNK_BYTES = 64 * 1024
"""Of the weights that are worth a chunk."""

ROW_PART_BYTES = 3328
"""Of the rows of w that a tile of dots takes at a time: with as much of x they fill the first-level cache."""

ROW_CHUNKS = 32
"""Chunks of dots."""

NEAR = 2048
"""Bytes to ask ahead for along the rows of w where few rows of x go through them in one go."""


@dataclass(frozen=True)
class Skinny:
    """C (m x n) = A (m x k) B (k x n), the rows of B and C contiguous."""

    dtype: str
    m: int
    n: int
    k: int
    a: Matrix
    b: Matrix
    c: Matrix

    def launch(self, ctx: Context, barrier: bool, strip: int = 0, tail: tuple[Launch, Address] | None = None) -> Launch:
        """The launch.

        Parameters
        ----------
        strip
            Columns of a strip; chosen here if 0.
        tail
            A map over strips x rows x columns of a strip that takes the place of C, and the
            address in its words that stands for C: its rows lie one strip apart.
        """
        item = ITEM_BYTES[self.dtype]
        width = VECTORS * ctx.lanes(self.dtype)
        strip = strip or self._strip(width)
        rows = self._rows(strip, item)
        row_chunks, strips = -(-self.m // rows), -(-self.n // strip)
        part = min(self.k, PART)
        ahead = part * self.b.row if self.k > part else 0
        own_args = AHEAD_BLOCK_BYTES + 16 * rows
        words_of_tail: Sequence[Word] = tail[0].args if tail else ()
        own_sums = -(-(own_args + 8 * len(words_of_tail)) // 64) * 64
        size = own_sums + (rows * strip * item + 4 * width * item if tail else 0)
        after: tuple[Word, ...] = (0, 0, 0, 0)
        if tail:
            after = FunctionOf(tail[0].kernel), ArgsOf(tail[0]), len(words_of_tail), words_of_tail.index(tail[1])
        kernel = kernel_file("tile", SCALAR=self.dtype, LANES=ctx.lanes(self.dtype), VECTORS=VECTORS, AHEAD=True)
        words: tuple[Word, ...] = (
            FunctionOf(kernel), width, self.a.at, self.a.row, self.a.column, self.b.at, self.b.row,
            self.c.at, self.c.row, item,
            self.m, rows, row_chunks, self.n, strip, self.k, part, ahead,
            ctx.thread_scratch(size), ThreadStride(), AHEAD_BLOCK_BYTES, *after, own_args, own_sums, strip * item,
            *ZEROS, *ZEROS,
        )  # fmt: skip
        return Launch(kernel_file("skinny"), words, row_chunks * strips, barrier)

    def _strip(self, width: int) -> int:
        """Columns of a strip: whole tiles, and at least 16 strips where the rows do not make chunks."""
        if self.m * min(self.n, STRIP) > SUMS_BYTES:
            return min(self.n, STRIP)
        wanted = max(1, min(16, 2 * self.m * self.n * self.k // CHUNK_WORK))
        return max(1, min(STRIP // width, -(-self.n // width) // wanted)) * width

    def _rows(self, strip: int, item: int) -> int:
        """Rows of a chunk: whole tiles, their sums in the cache."""
        most = max(6, SUMS_BYTES // (strip * item) // 6 * 6)
        wanted = max(1, min(16, 2 * self.m * self.n * self.k // CHUNK_WORK) // -(-self.n // strip))
        return min(most, -(-self.m // wanted // 6) * 6, self.m)


@dataclass(frozen=True)
class RowProduct:
    """Y (m x n) = X (m x k) W^T (W: n x k), all rows contiguous."""

    dtype: str
    m: int
    n: int
    k: int
    x: Matrix
    w: Matrix
    y: Matrix

    def launch(self, ctx: Context, barrier: bool, behind: Step | None = None) -> Launch:
        """The launch; ``behind`` is a map over m x n that runs on what a chunk has finished."""
        item, lanes = ITEM_BYTES[self.dtype], ctx.lanes(self.dtype)
        rows, columns = dots_of(lanes, item)
        part = self.k if self.m <= rows else self._part(lanes, item)
        ahead = self._ahead(rows, columns, part * item)
        tiles_a_chunk, rows_a_chunk = self._grid(rows, columns, item)
        column_chunks, row_chunks = -(-self.n // (tiles_a_chunk * columns)), -(-self.m // rows_a_chunk)
        sums = rows * columns * lanes * item
        words: tuple[Word, ...] = (
            self.x.at, self.x.row, self.w.at, self.w.row, self.y.at, self.y.row,
            self.m, rows_a_chunk, row_chunks, self.n, tiles_a_chunk * columns, self.k, part, ahead,
            ctx.thread_scratch(BLOCK_BYTES + rows_a_chunk // rows * sums), ThreadStride(),
            *self._tail(ctx, behind, tiles_a_chunk * columns),
        )  # fmt: skip
        kernel = kernel_file("dots", SCALAR=self.dtype, LANES=lanes, ROWS=rows, COLUMNS=columns)
        return Launch(kernel, words, column_chunks * row_chunks, barrier)

    def _grid(self, rows: int, columns: int, item: int) -> tuple[int, int]:
        """Tiles and rows of a chunk: as many chunks as arithmetic or weights are worth, even for two and four."""
        tiles, row_tiles = -(-self.n // columns), -(-self.m // rows)
        worth = max(2 * self.m * self.n * self.k // (CHUNK_WORK // 2), self.n * self.k * item // CHUNK_BYTES)
        wanted = max(1, min(ROW_CHUNKS, worth))
        # a chunk of less than a line of y would write into a line that another thread writes
        least = min(tiles, max(-(-64 // (columns * item)), tiles // wanted))
        tiles_a_chunk = max(range(least, min(tiles, 4 * least) + 1), key=lambda t: (_even(tiles, t), -t))
        column_chunks = -(-tiles // tiles_a_chunk)
        rows_a_chunk = -(-row_tiles // min(row_tiles, -(-min(wanted, 8) // column_chunks))) * rows
        return tiles_a_chunk, rows_a_chunk

    def _part(self, lanes: int, item: int) -> int:
        """Elements of the reduction a part: even parts of whole vectors."""
        parts = -(-self.k * item // ROW_PART_BYTES)
        return -(-self.k // parts // lanes) * lanes

    def _tail(self, ctx: Context, behind: Step | None, width: int) -> tuple[Word, ...]:
        """Functions and arguments of the map: on whole ranges of columns, and on the last, shorter one."""
        if behind is None:
            return 0, 0, 0, 0, 0
        whole = self.n // width
        words: list[Word] = [1]
        for start, size, count in ((0, width, whole), (whole * width, self.n - whole * width, 1)):
            if size * count == 0:
                words += [0, 0]
                continue
            launch = ctx.rows_launch(cut(behind, start, size, count))
            words += [FunctionOf(launch.kernel), ArgsOf(launch)]
        return tuple(words)

    def _ahead(self, rows: int, columns: int, part_bytes: int) -> int:
        """How far ahead of the rows of w to ask for them: the next part, the next tile, or along a row read once."""
        if self.m <= rows:
            return NEAR
        return part_bytes if self.k * ITEM_BYTES[self.dtype] > part_bytes else columns * self.w.row


def _even(count: int, a_chunk: int) -> float:
    """How well teams of two and of four share chunks of so many, 1 at best."""
    chunks = -(-count // a_chunk)
    return sum(count / (team * -(-chunks // team) * a_chunk) for team in (2, 4))


def dots_of(lanes: int, item_bytes: int) -> tuple[int, int]:
    """Rows of X and of W in a tile of dots: 32 registers hold 4 x 6 sums and their operands, 16 hold 3 x 3."""
    return (4, 6) if lanes * item_bytes >= 64 else (3, 3)
