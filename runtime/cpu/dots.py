"""The micro-kernel of products of rows with rows: vectors lie along the reduction, sums end as vectors of partial ones.

For a skinny product X W^T whose operands are both contiguous along the
reduction (a fully connected layer of few samples): nothing is packed or
transposed, and each line of W is loaded once for several rows of X.

``Dots`` words, all int64, addresses and strides in bytes::

    c[C + i C_ROW][j] = sum_t a[A + i A_ROW][t] * b[B + j B_ROW][t]

for i < A_COUNT and j < B_COUNT, where t runs over STEPS vectors and REST
elements. Rows beyond the counts repeat the last one. A long reduction is taken
in parts: the first one has FIRST = 1, the last one LAST = 1, between them the
sums lie at SUMS. The lines AHEAD bytes behind those of b are asked for.
"""

from __future__ import annotations

from enum import IntEnum

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from runtime.cpu.tile import I1, I32, I64, c64
from runtime.vector.vectype import ITEM_BYTES


class Dots(IntEnum):
    """Places of the words in a block."""

    A = 0
    A_ROW = 1
    A_COUNT = 2
    B = 3
    B_ROW = 4
    B_COUNT = 5
    STEPS = 6
    REST = 7
    SUMS = 8
    FIRST = 9
    LAST = 10
    C = 11
    C_ROW = 12
    AHEAD = 13


def make_dots(scalar: str, lanes: int, rows: int, columns: int):  # type: ignore[no-untyped-def]
    """The intrinsic ``dots(block)``: ``rows`` rows of A with ``columns`` rows of B."""
    emit = _DotsEmitter(scalar, lanes, rows, columns)

    @intrinsic
    def dots(typing, block):  # type: ignore[no-untyped-def]
        def codegen(context, builder, signature, args):  # type: ignore[no-untyped-def]
            emit(builder, args[0])
            return context.get_dummy_value()

        return types.void(types.int64), codegen

    return dots


class _DotsEmitter:
    """Emits one tile's code; see the module's docstring for what it computes."""

    def __init__(self, scalar: str, lanes: int, rows: int, columns: int) -> None:
        self.element = ir.FloatType() if scalar == "f32" else ir.DoubleType()
        self.item = ITEM_BYTES[scalar]
        self.lanes, self.rows, self.columns = lanes, rows, columns
        self.vector = ir.VectorType(self.element, lanes)
        self.bytes = lanes * self.item
        self.scalar, self.name = scalar, f"v{lanes}{scalar}"

    def __call__(self, b: ir.IRBuilder, block: ir.Value) -> None:
        words = b.inttoptr(block, I64.as_pointer())
        w = {k: b.load(b.gep(words, [c64(k)])) for k in Dots}
        x = self._pointers(b, w[Dots.A], w[Dots.A_ROW], w[Dots.A_COUNT], self.rows)
        y = self._pointers(b, w[Dots.B], w[Dots.B_ROW], w[Dots.B_COUNT], self.columns)
        to = self._pointers(b, w[Dots.C], w[Dots.C_ROW], w[Dots.A_COUNT], self.rows)
        total, at = self._loop(b, x, y, w, self._start(b, w))
        total = self._rest(b, x, y, at, w[Dots.REST], total)
        last, wait, done = (b.append_basic_block(n) for n in ("last", "wait", "summed"))
        b.cbranch(b.icmp_signed("!=", w[Dots.LAST], c64(0)), last, wait)
        b.position_at_end(last)
        self._store(b, to, w[Dots.B_COUNT], total)
        b.branch(done)
        b.position_at_end(wait)
        for value, p in zip(total, self._places(b, w), strict=True):
            b.store(value, p, align=self.item)
        b.branch(done)
        b.position_at_end(done)

    def _places(self, b, w):  # type: ignore[no-untyped-def]
        count = self.rows * self.columns
        return [b.inttoptr(b.add(w[Dots.SUMS], c64(k * self.bytes)), self.vector.as_pointer()) for k in range(count)]

    def _start(self, b, w):  # type: ignore[no-untyped-def]
        """Zeros for the first part, else what waits."""
        before, again, done = b.block, b.append_basic_block("again"), b.append_basic_block("begun")
        b.cbranch(b.icmp_signed("!=", w[Dots.FIRST], c64(0)), done, again)
        b.position_at_end(again)
        waiting = [b.load(p, align=self.item) for p in self._places(b, w)]
        b.branch(done)
        b.position_at_end(done)
        zero = ir.Constant(self.vector, [0.0] * self.lanes)
        return self._merge(b, [zero] * len(waiting), before, waiting, again)

    def _store(self, b, to, count, total):  # type: ignore[no-untyped-def]
        """Sums across lanes: ``size`` columns of a row at a time, several rows in one vector."""
        size = min(self.lanes, 1 << (self.columns - 1).bit_length())
        none = ir.Constant(self.vector, ir.Undefined)
        groups = []
        for i in range(self.rows):
            row = total[i * self.columns : (i + 1) * self.columns]
            for at in range(0, self.columns, size):
                part = row[at : at + size]
                groups.append((i, at, part + [none] * (size - len(part))))
        together = self.lanes // size
        kind = ir.VectorType(self.element, size)
        count = self._splat(b, count, size)
        for first in range(0, len(groups), together):
            some = groups[first : first + together]
            values = [v for _, _, part in some for v in part]
            values += [none] * (self.lanes - len(values))
            distance = 1
            while distance < self.lanes:
                values = [self._halves(b, *values[k : k + 2], distance) for k in range(0, len(values), 2)]
                distance *= 2
            for k, (i, at, _) in enumerate(some):
                order = [k * size + j for j in range(size)]
                part = b.shuffle_vector(values[0], none, ir.Constant(ir.VectorType(I32, size), order))
                lane = ir.Constant(ir.VectorType(I64, size), [at + j for j in range(size)])
                self._masked_store(b, part, b.add(to[i], c64(at * self.item)), kind, b.icmp_signed("<", lane, count))

    def _masked_store(self, b, value, to, kind, mask):  # type: ignore[no-untyped-def]
        pointer = kind.as_pointer()
        of = ir.FunctionType(ir.VoidType(), [kind, pointer, I32, mask.type])
        name = f"llvm.masked.store.v{kind.count}{self.scalar}.p0"
        masked = cgutils.get_or_insert_function(b.module, of, name)
        b.call(masked, [value, b.inttoptr(to, pointer), ir.Constant(I32, self.item), mask])

    def _halves(self, b, x, y, distance):  # type: ignore[no-untyped-def]
        """Sums of lanes ``distance`` apart: those of x where a lane has not that bit, of y where it has."""
        lane = range(self.lanes)
        stay = [k if not k & distance else self.lanes + k for k in lane]
        move = [k + distance if not k & distance else self.lanes + k - distance for k in lane]
        kind = ir.VectorType(I32, self.lanes)
        return b.fadd(*(b.shuffle_vector(x, y, ir.Constant(kind, order)) for order in (stay, move)))

    def _splat(self, b, x, lanes):  # type: ignore[no-untyped-def]
        empty = ir.Constant(ir.VectorType(I64, lanes), ir.Undefined)
        zeros = ir.Constant(ir.VectorType(I32, lanes), [0] * lanes)
        return b.shuffle_vector(b.insert_element(empty, x, ir.Constant(I32, 0)), empty, zeros)

    def _pointers(self, b, base, stride, count, rows):  # type: ignore[no-untyped-def]
        last = b.sub(count, c64(1))
        found = []
        for i in range(rows):
            k = b.select(b.icmp_signed("<", c64(i), last), c64(i), last)
            found.append(b.add(base, b.mul(k, stride)))
        return found

    def _loop(self, b, a, c, w, start):  # type: ignore[no-untyped-def]
        """Whole vectors: the sums, and how many bytes they took."""
        before, steps = b.block, w[Dots.STEPS]
        byte = ir.IntType(8).as_pointer()
        kind = ir.FunctionType(ir.VoidType(), [byte, I32, I32, I32])
        prefetch = cgutils.get_or_insert_function(b.module, kind, "llvm.prefetch.p0")
        flags = [ir.Constant(I32, k) for k in (0, 2, 1)]
        body, done = b.append_basic_block("dots"), b.append_basic_block("dotted")
        b.cbranch(b.icmp_signed(">", steps, c64(0)), body, done)
        b.position_at_end(body)
        left, at = b.phi(I64), b.phi(I64)
        acc = [b.phi(self.vector) for _ in start]
        soon = b.add(at, w[Dots.AHEAD])
        for p in c:
            b.call(prefetch, [b.inttoptr(b.add(p, soon), byte), *flags])
        new = self._step(b, acc, [self._load(b, p, at) for p in a], [self._load(b, p, at) for p in c])
        rest, follow = b.sub(left, c64(1)), b.add(at, c64(self.bytes))
        for phi, first, again in zip([left, at, *acc], [steps, c64(0), *start], [rest, follow, *new], strict=True):
            phi.add_incoming(first, before)
            phi.add_incoming(again, body)
        b.cbranch(b.icmp_signed(">", rest, c64(0)), body, done)
        b.position_at_end(done)
        at, *total = self._merge(b, [c64(0), *start], before, [follow, *new], body)
        return total, at

    def _merge(self, b, values, block, others, other):  # type: ignore[no-untyped-def]
        found = []
        for x, y in zip(values, others, strict=True):
            phi = b.phi(x.type)
            phi.add_incoming(x, block)
            phi.add_incoming(y, other)
            found.append(phi)
        return found

    def _rest(self, b, a, c, at, rest, total):  # type: ignore[no-untyped-def]
        """What follows the whole vectors, zeros behind it: what lies there may be NaN."""
        before = b.block
        part, done = b.append_basic_block("part"), b.append_basic_block("parted")
        b.cbranch(b.icmp_signed(">", rest, c64(0)), part, done)
        b.position_at_end(part)
        lane = ir.Constant(ir.VectorType(I64, self.lanes), list(range(self.lanes)))
        mask = b.icmp_signed("<", lane, self._splat(b, rest, self.lanes))
        loads = [[self._load(b, p, at, mask) for p in rows] for rows in (a, c)]
        new = self._step(b, total, *loads)
        b.branch(done)
        b.position_at_end(done)
        return self._merge(b, total, before, new, part)

    def _load(self, b, row, at, mask=None):  # type: ignore[no-untyped-def]
        pointer = b.inttoptr(b.add(row, at), self.vector.as_pointer())
        if mask is None:
            return b.load(pointer, align=self.item)
        kind = ir.FunctionType(self.vector, [pointer.type, I32, ir.VectorType(I1, self.lanes), self.vector])
        masked = cgutils.get_or_insert_function(b.module, kind, f"llvm.masked.load.{self.name}.p0")
        zero = ir.Constant(self.vector, [0.0] * self.lanes)
        return b.call(masked, [pointer, ir.Constant(I32, self.item), mask, zero])

    def _step(self, b, acc, x, y):  # type: ignore[no-untyped-def]
        return [
            self._fma(b, x[i], y[j], acc[i * self.columns + j]) for i in range(self.rows) for j in range(self.columns)
        ]

    def _fma(self, b, x, y, z):  # type: ignore[no-untyped-def]
        if self.bytes < 32:  # without the instruction llvm.fma is a call of the C library a lane
            return b.fadd(b.fmul(x, y, flags=("contract",)), z, flags=("contract",))
        kind = ir.FunctionType(self.vector, [self.vector] * 3)
        return b.call(cgutils.get_or_insert_function(b.module, kind, f"llvm.fma.{self.name}"), [x, y, z])
