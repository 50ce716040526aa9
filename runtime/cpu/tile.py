"""The micro-kernel of all products: a tile of sums of A (broadcast) times B (vectors).

One emitter serves convolution, its two gradients and matmul. The tile's rows
are given by tables of byte offsets, so that a tile may span output rows,
images, or the (r, s, c) rows of a weight gradient; the reduction is a nest of
three loops with any strides. The kernel walks a range of rows in tiles of
falling height; the caller walks column blocks and reductions.

``Block`` words, all int64, addresses and strides in bytes::

    c[row][lane] = init + sum_{k < outer, j < middle, i < inner}
        a[A_TABLE[row] + k A_OUTER + j A_MIDDLE + i A_INNER] * b[k B_OUTER + j B_MIDDLE + i B_INNER + lane]

``init`` is the vector row at INIT + (C_TABLE[row] & INIT_MASK): zeros or a bias
with mask 0, the old value of c with INIT = C_BASE and mask -1. Trip counts are
at least 1. B may be read up to a tile's width beyond the last column; lanes
beyond ``columns`` are never stored.

Source
    Goto and van de Geijn 2008 for the register tile; the direct form without
    im2col is Zhang, Franchetti and Low 2018.
"""

from __future__ import annotations

from enum import IntEnum

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from runtime.vector.vectype import ITEM_BYTES

I64, I32, I1 = ir.IntType(64), ir.IntType(32), ir.IntType(1)


class Block(IntEnum):
    """Places of the words in a tile's block."""

    A = 0
    A_TABLE = 1
    B = 2
    C = 3
    C_TABLE = 4
    INIT = 5
    INIT_MASK = 6
    OUTER = 7
    MIDDLE = 8
    INNER = 9
    A_OUTER = 10
    A_MIDDLE = 11
    A_INNER = 12
    B_OUTER = 13
    B_MIDDLE = 14
    B_INNER = 15
    AHEAD = 16
    """Bytes from a line of B to the one to be asked for; read by tiles made with ``ahead`` alone."""


BLOCK_WORDS = 16


def heights(lanes: int, item_bytes: int, vectors: int) -> tuple[int, ...]:
    """Tile heights for a vector of ``lanes``, tallest first.

    32 registers of 64 bytes hold 14 x 2 sums, two of B and one of A, or 6 x 4
    sums for products of few rows; 16 registers of 32 bytes or less hold 6 x 2
    or 2 x 4.
    """
    if lanes * item_bytes >= 64:
        return (14, 8, 4, 2, 1) if vectors <= 2 else (6, 4, 2, 1)
    if vectors > 2:
        return (2, 1)
    if lanes * item_bytes == 32:
        return (6, 4, 2, 1) if vectors == 2 else (8, 4, 2, 1)
    return (4, 2, 1)


def make_tile(scalar: str, lanes: int, rows: int, vectors: int, ahead: bool = False):  # type: ignore[no-untyped-def]
    """The intrinsic ``tile(block, row, columns)``: ``rows`` rows from ``row`` of the tables.

    Parameters
    ----------
    scalar
        ``f32`` or ``f64``.
    lanes, rows, vectors
        Elements a vector, rows and vectors a tile.
    ahead
        Whether each step asks for the line of B that lies AHEAD bytes behind its own.
    """
    emit = _TileEmitter(scalar, lanes, rows, vectors, ahead)

    @intrinsic
    def tile(typing, block, row, columns):  # type: ignore[no-untyped-def]
        def codegen(context, builder, signature, args):  # type: ignore[no-untyped-def]
            emit(builder, *args)
            return context.get_dummy_value()

        return types.void(types.int64, types.int64, types.int64), codegen

    return tile


def c64(value: int) -> ir.Constant:
    """An int64 constant."""
    return ir.Constant(I64, value)


def _phis(b, values, block):  # type: ignore[no-untyped-def]
    """A phi for each value that comes from ``block``."""
    phis = []
    for value in values:
        phi = b.phi(value.type)
        phi.add_incoming(value, block)
        phis.append(phi)
    return phis


def _close(phis, values, block) -> None:  # type: ignore[no-untyped-def]
    """The values that the phis take when they are reached from ``block``."""
    for phi, value in zip(phis, values, strict=True):
        phi.add_incoming(value, block)


class _TileEmitter:
    """Emits one tile's code; see the module's docstring for what it computes."""

    def __init__(self, scalar: str, lanes: int, rows: int, vectors: int, ahead: bool) -> None:
        self.element = ir.FloatType() if scalar == "f32" else ir.DoubleType()
        self.item = ITEM_BYTES[scalar]
        self.lanes, self.rows, self.vectors = lanes, rows, vectors
        self.vector = ir.VectorType(self.element, lanes)
        self.name = f"v{lanes}{scalar}"
        self.ahead = ahead
        self.cells = [(i, j) for i in range(rows) for j in range(vectors)]

    def __call__(self, b: ir.IRBuilder, block: ir.Value, row: ir.Value, columns: ir.Value) -> None:
        words = b.inttoptr(block, I64.as_pointer())
        w = {k: b.load(b.gep(words, [c64(k)])) for k in Block if k < BLOCK_WORDS or self.ahead}
        a_rows = [b.add(w[Block.A], o) for o in self._table(b, w[Block.A_TABLE], row)]
        c_offsets = self._table(b, w[Block.C_TABLE], row)
        init = [b.add(w[Block.INIT], b.and_(o, w[Block.INIT_MASK])) for o in c_offsets]
        start = [self._load(b, init[i], j) for i, j in self.cells]
        c_rows = [b.add(w[Block.C], o) for o in c_offsets]
        self._expect(b, c_rows)
        self._store(b, c_rows, columns, self._nest(b, w, a_rows, start))

    def _expect(self, b, c_rows):  # type: ignore[no-untyped-def]
        """Asks for the lines of c: stores that miss at the tile's end would hold up the next one."""
        for row in c_rows:
            self._prefetch(b, row, (1, 3, 1))

    def _prefetch(self, b, row, how):  # type: ignore[no-untyped-def]
        """Asks for the lines of a tile's row; ``how``: to write, how near, data."""
        byte = ir.IntType(8).as_pointer()
        kind = ir.FunctionType(ir.VoidType(), [byte, I32, I32, I32])
        prefetch = cgutils.get_or_insert_function(b.module, kind, "llvm.prefetch.p0")
        for at in range(0, self.vectors * self.lanes * self.item, 64):
            b.call(prefetch, [b.inttoptr(b.add(row, c64(at)), byte), *(ir.Constant(I32, k) for k in how)])

    def _table(self, b, table, row):  # type: ignore[no-untyped-def]
        first = b.gep(b.inttoptr(table, I64.as_pointer()), [row])
        return [b.load(b.gep(first, [c64(i)])) for i in range(self.rows)]

    def _pointer(self, b, address, j, type_):  # type: ignore[no-untyped-def]
        return b.inttoptr(b.add(address, c64(j * self.lanes * self.item)), type_.as_pointer())

    def _load(self, b, address, j):  # type: ignore[no-untyped-def]
        return b.load(self._pointer(b, address, j, self.vector), align=self.item)

    def _splat(self, b, x):  # type: ignore[no-untyped-def]
        undefined = ir.Constant(self.vector, ir.Undefined)
        one = b.insert_element(undefined, x, ir.Constant(I32, 0))
        return b.shuffle_vector(one, undefined, ir.Constant(ir.VectorType(I32, self.lanes), [0] * self.lanes))

    def _fma(self, b, x, y, z):  # type: ignore[no-untyped-def]
        if self.lanes * self.item < 32:  # without the instruction llvm.fma is a call of the C library a lane
            return b.fadd(b.fmul(x, y, flags=("contract",)), z, flags=("contract",))
        kind = ir.FunctionType(self.vector, [self.vector] * 3)
        return b.call(cgutils.get_or_insert_function(b.module, kind, f"llvm.fma.{self.name}"), [x, y, z])

    def _nest(self, b, w, a_rows, start):  # type: ignore[no-untyped-def]
        """The reduction: the outer two loops as one, so that the sums cross two loop heads and not three."""
        before = b.block
        segment, inner, after, done = (b.append_basic_block(n) for n in ("segment", "inner", "after", "done"))
        left = b.mul(w[Block.OUTER], w[Block.MIDDLE])
        a_wrap = b.sub(w[Block.A_OUTER], b.mul(w[Block.MIDDLE], w[Block.A_MIDDLE]))
        b_wrap = b.sub(w[Block.B_OUTER], b.mul(w[Block.MIDDLE], w[Block.B_MIDDLE]))
        b.branch(segment)
        b.position_at_end(segment)
        seg = _phis(b, [left, w[Block.MIDDLE], c64(0), w[Block.B]], before)
        held = _phis(b, start, before)
        b.branch(inner)
        b.position_at_end(inner)
        count, at_a, at_b = loop = _phis(b, [w[Block.INNER], seg[2], seg[3]], segment)
        acc = _phis(b, held, segment)
        if self.ahead:
            self._prefetch(b, b.add(at_b, w[Block.AHEAD]), (0, 2, 1))
        new = self._step(b, a_rows, at_a, at_b, acc)
        rest = b.sub(count, c64(1))
        _close(loop, [rest, b.add(at_a, w[Block.A_INNER]), b.add(at_b, w[Block.B_INNER])], inner)
        _close(acc, new, inner)
        b.cbranch(b.icmp_signed(">", rest, c64(0)), inner, after)
        b.position_at_end(after)
        rest, mid = b.sub(seg[0], c64(1)), b.sub(seg[1], c64(1))
        wraps = b.icmp_signed("==", mid, c64(0))
        next_a, next_b = b.add(seg[2], w[Block.A_MIDDLE]), b.add(seg[3], w[Block.B_MIDDLE])
        wrapped = [w[Block.MIDDLE], b.add(next_a, a_wrap), b.add(next_b, b_wrap)]
        follow = [b.select(wraps, x, y) for x, y in zip(wrapped, [mid, next_a, next_b], strict=True)]
        _close(seg, [rest, *follow], after)
        _close(held, new, after)
        b.cbranch(b.icmp_signed(">", rest, c64(0)), segment, done)
        b.position_at_end(done)
        return new

    def _step(self, b, a_rows, at_a, at_b, acc):  # type: ignore[no-untyped-def]
        """One step of the reduction: the new sums."""
        column = [self._load(b, at_b, j) for j in range(self.vectors)]
        new = []
        for i in range(self.rows):
            x = b.load(b.inttoptr(b.add(a_rows[i], at_a), self.element.as_pointer()), align=self.item)
            spread = self._splat(b, x)
            new += [self._fma(b, spread, column[j], acc[i * self.vectors + j]) for j in range(self.vectors)]
        return new

    def _store(self, b, c_rows, columns, total):  # type: ignore[no-untyped-def]
        whole, part, end = (b.append_basic_block(n) for n in ("whole", "part", "stored"))
        b.cbranch(b.icmp_signed(">=", columns, c64(self.lanes * self.vectors)), whole, part)
        b.position_at_end(whole)
        for (i, j), value in zip(self.cells, total, strict=True):
            b.store(value, self._pointer(b, c_rows[i], j, self.vector), align=self.item)
        b.branch(end)
        b.position_at_end(part)
        mask_type, lane_type = ir.VectorType(I1, self.lanes), ir.VectorType(I64, self.lanes)
        pointer = self.vector.as_pointer()
        masked = cgutils.get_or_insert_function(
            b.module,
            ir.FunctionType(ir.VoidType(), [self.vector, pointer, I32, mask_type]),
            f"llvm.masked.store.{self.name}.p0",
        )
        undefined = ir.Constant(lane_type, ir.Undefined)
        spread = b.shuffle_vector(
            b.insert_element(undefined, columns, ir.Constant(I32, 0)),
            undefined,
            ir.Constant(ir.VectorType(I32, self.lanes), [0] * self.lanes),
        )
        masks = []
        for j in range(self.vectors):
            lane = ir.Constant(lane_type, [j * self.lanes + k for k in range(self.lanes)])
            masks.append(b.icmp_signed("<", lane, spread))
        for (i, j), value in zip(self.cells, total, strict=True):
            to = self._pointer(b, c_rows[i], j, self.vector)
            b.call(masked, [value, to, ir.Constant(I32, self.item), masks[j]])
        b.branch(end)
        b.position_at_end(end)
