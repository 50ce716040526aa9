"""Matrix products of any strides on the micro-kernel, batched and transposed.

The micro-kernel wants the columns of B and C contiguous. Where they are not,
the product is taken transposed, B is packed, or C goes through scratch:
whichever costs least for the shapes at hand.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace

from runtime import ops
from runtime.cpu.launch import Context, Launch, ThreadStride, kernel_file, launcher
from runtime.cpu.pack import BLOCK_BYTES, ZEROS, Packing, columns_of, copy, tile_cost
from runtime.plan import ITEM_BYTES, STATE_MEMORY, Plan, Step, View
from runtime.vector.kernel import Address, address_of, byte_strides

PART = 1024
"""Steps of the reduction that a column block of B is taken at a time (128 KB of float32)."""

FAR_BYTES = 2048
"""Rows of A at a multiple of this are copied, a part at a time: they share sets of the first-level cache."""

PACK_ROWS = 256
"""Rows from which packing a contiguous B pays: its strided lines miss the first-level cache in every tile."""


@dataclass(frozen=True)
class Matrix:
    """A batch of matrices; strides in bytes along rows, columns and two batch axes."""

    at: Address
    row: int
    column: int
    batch: tuple[int, int] = (0, 0)
    shared: bool = False
    """Whether other products of the segment read it too: it is packed once for all of them."""

    @property
    def transposed(self) -> Matrix:
        """The same memory with rows and columns exchanged."""
        return replace(self, row=self.column, column=self.row)


@dataclass(frozen=True)
class Product:
    """C (m x n) = A (m x k) B (k x n) for each entry of ``batch``."""

    dtype: str
    m: int
    n: int
    k: int
    a: Matrix
    b: Matrix
    c: Matrix
    batch: tuple[int, int] = (1, 1)

    @property
    def transposed(self) -> Product:
        """C^T = B^T A^T."""
        return Product(
            self.dtype, self.n, self.m, self.k, self.b.transposed, self.a.transposed, self.c.transposed, self.batch
        )

    @property
    def packs(self) -> bool:
        """Whether B is packed: it must be, or many rows (of one product, or of many) repay it."""
        item = ITEM_BYTES[self.dtype]
        if self.b.column != item or self.b.shared:
            return True
        return self.batch == (1, 1) and (self.m >= PACK_ROWS or (self.b.row % 1024 == 0 and self.m >= 64))

    def cost(self, ctx: Context) -> float:
        """Estimated vector operations, packing and copying included."""
        item = ITEM_BYTES[self.dtype]
        lanes = ctx.lanes(self.dtype)
        vectors = -(-self.n // lanes)
        packed = self.packs and not self.b.shared
        moved = (self.n * self.k if packed else 0) + (self.m * self.n if self.c.column != item else 0)
        return self.batch[0] * self.batch[1] * (tile_cost(self.m) * vectors * (self.k + 8) + 2.0 * moved)

    def launches(self, ctx: Context, barrier: bool) -> list[Launch]:
        """Packing where needed, the product, the copy out of scratch where needed."""
        best = min(self, self.transposed, key=lambda p: p.cost(ctx))
        return best._launches(ctx, barrier)

    def _launches(self, ctx: Context, barrier: bool) -> list[Launch]:
        item = ITEM_BYTES[self.dtype]
        columns = columns_of(ctx, self.dtype, self.n)
        b, b_block = self.b, columns.width * item
        before: list[Launch] = []
        after: list[Launch] = []
        if self.packs:
            b, b_block, before = self._packed(ctx, barrier)
        c = self.c
        if c.column != item:
            c, after = self._through_scratch(ctx)
        rows, blocks = _grid(self.m, columns.blocks, self.k, self.batch[0] * self.batch[1])
        row_chunks, block_chunks = -(-self.m // rows), -(-columns.blocks // blocks)
        far = self.a.column == item and self.a.row % FAR_BYTES == 0 and self.k > 16
        part, near_row = (PART // 2, PART // 2 * item + 64) if far else (PART, 0)
        words = (
            *columns.words(ctx, self.dtype),
            self.a.at, self.a.row, self.a.column, *self.a.batch,
            b.at, b.row, b_block, *b.batch,
            c.at, c.row, item, *c.batch,
            self.m, rows, row_chunks, self.n, columns.blocks, blocks, block_chunks,
            self.k, part, self.batch[1], near_row,
            ctx.thread_scratch(BLOCK_BYTES + 16 * rows + 64 + rows * near_row), ThreadStride(), *ZEROS,
        )  # fmt: skip
        chunks = row_chunks * block_chunks * self.batch[0] * self.batch[1]
        kernel = kernel_file("product", LANES=ctx.lanes("f32"))
        return [*before, Launch(kernel, words, chunks, barrier or bool(before)), *after]

    def _packed(self, ctx: Context, barrier: bool) -> tuple[Matrix, int, list[Launch]]:
        item = ITEM_BYTES[self.dtype]
        columns = columns_of(ctx, self.dtype, self.n)
        entry = columns.blocks * self.k * columns.width * item
        distinct = tuple(n if s else 1 for n, s in zip(self.batch, self.b.batch, strict=True))
        size, first = distinct[0] * distinct[1] * entry, True
        if self.b.shared:
            order = (self.b, columns, self.k, self.dtype, distinct)
            to, first = ctx.packed_once(self.b.at, order, size)
        else:
            to = ctx.scratch(size)
        launches = []
        for i0 in range(distinct[0] if first else 0):
            start = Address(self.b.at.memory, self.b.at.offset + i0 * self.b.batch[0])
            packing = Packing(
                start, self.b.batch[1], distinct[1], columns, (1, 1, self.k), (0, 0, self.b.row),
                self.b.column, self.dtype,
            )  # fmt: skip
            at = Address(to.memory, to.offset + i0 * distinct[1] * entry)
            launches.append(packing.launch(ctx, at, barrier and i0 == 0))
        batch = tuple(s if n > 1 else 0 for n, s in zip(distinct, (distinct[1] * entry, entry), strict=True))
        row = columns.width * item
        return Matrix(to, row, item, (batch[0], batch[1])), self.k * row, launches

    def _through_scratch(self, ctx: Context) -> tuple[Matrix, list[Launch]]:
        item = ITEM_BYTES[self.dtype]
        n0, n1 = self.batch
        entry = self.m * self.n * item
        to = Matrix(ctx.scratch(n0 * n1 * entry), self.n * item, item, (n1 * entry, entry))
        sizes = (n0, n1, 1, self.n, self.m)  # the last axis of the result is the rows': contiguous writes
        source = (*to.batch, 0, to.column, to.row)
        target = (*self.c.batch, 0, self.c.column, self.c.row)
        if n0 * n1 < 4:
            a, b, c, d, e = sizes
            sizes = (d, a, b, c, e)
            source, target = ((v[3], v[0], v[1], v[2], v[4]) for v in (source, target))
        return to, [copy(ctx, self.dtype, to.at, source, self.c.at, target, sizes, True)]


def _grid(rows: int, blocks: int, steps: int, batch: int) -> tuple[int, int]:
    """Rows and column blocks of a chunk: up to 112 rows by 8 blocks, smaller where chunks are few."""
    rows_a_chunk, blocks_a_chunk = min(rows, 112), min(blocks, 8)

    def chunks() -> int:
        return batch * -(-rows // rows_a_chunk) * -(-blocks // blocks_a_chunk)

    while chunks() < 16 and rows_a_chunk * blocks_a_chunk * steps > 16384:
        if rows_a_chunk > 14 and rows_a_chunk >= 14 * blocks_a_chunk:
            rows_a_chunk = max(14, rows_a_chunk // 28 * 14)
        elif blocks_a_chunk > 1:
            blocks_a_chunk = (blocks_a_chunk + 1) // 2
        elif rows_a_chunk > 14:
            rows_a_chunk = max(14, rows_a_chunk // 28 * 14)
        else:
            break
    return rows_a_chunk, blocks_a_chunk


def shared_operands(plan: Plan) -> frozenset[tuple[str, Address]]:
    """Segment and address of each parameter that several products of the segment read: a loop's weights.

    Steps forwards and backwards see a parameter as it was before the update.
    """
    steps = [s for s in plan.steps if isinstance(s.op, ops.Matmul) and s.segment in ("forward", "backward")]
    read = Counter((s.segment, address_of(v)) for s in steps for v in s.reads if v.memory in STATE_MEMORY)
    return frozenset(key for key, count in read.items() if count > 1)


def _matrix(view: View, transpose: bool, ctx: Context) -> Matrix:
    strides = byte_strides(view)
    if len(strides) > 4:
        raise NotImplementedError(f"a matrix product of rank {len(strides)}: at most two batch axes")
    leading = [0 if n == 1 else s for n, s in zip(view.shape[:-2], strides[:-2], strict=True)]
    batch = [0, 0, *leading][-2:]
    column = view.item_bytes if view.shape[-1] == 1 else strides[-1]
    row = view.item_bytes if view.shape[-2] == 1 else strides[-2]
    at = address_of(view)
    matrix = Matrix(at, row, column, (batch[0], batch[1]), ctx.is_shared(at))
    return matrix.transposed if transpose else matrix


@launcher(ops.Matmul)
def matmul(step: Step, ctx: Context) -> list[Launch]:
    """Launches of ``ops.Matmul``."""
    op, (a, b), c = step.op, step.reads, step.writes[0]
    assert isinstance(op, ops.Matmul)
    assert c is not None
    batch = (1, 1, *c.shape[:-2])[-2:]
    k = a.shape[-2] if op.transpose_a else a.shape[-1]
    product = Product(
        c.dtype, c.shape[-2], c.shape[-1], k,
        _matrix(a, op.transpose_a, ctx), _matrix(b, op.transpose_b, ctx), _matrix(c, False, ctx), (batch[0], batch[1]),
    )  # fmt: skip
    return [*product.launches(ctx, step.barrier), *ctx.tail(step).apart]
