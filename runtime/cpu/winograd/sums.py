"""The register tile of a weight gradient between the transforms: sums over tiles, rows side by side.

Both operands lie in panels, a tile's channels side by side, so that a row is a
displacement and no table is needed: sums over as few as 32 tiles repay a call.

Only kernels import this module (it imports numba).
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from runtime.cpu import lanes as L
from runtime.cpu.lanes import I8, I32, I64, Lanes
from runtime.cpu.vectype import INT, ITEM, pointer


def make_sums(scalar: str, lanes: int, rows: int, vectors: int) -> Any:
    """``sums(a, a_step, b, b_step, c, count, fresh)``: c[row][lane] += sum over i < count of a[i][row] b[i][lane].

    Rows of c lie one behind another; it is not read where ``fresh`` is not 0.
    Addresses and strides in bytes, ``count`` is at least 1.

    Parameters
    ----------
    scalar
        ``f32`` or ``f64``.
    lanes, rows, vectors
        Elements a vector, rows and vectors a tile.
    """
    emit = _Emitter(scalar, lanes, rows, vectors)

    @intrinsic
    def sums(tc, a, a_step, b, b_step, c, count, fresh, a_ahead, b_ahead):  # type: ignore[no-untyped-def]
        def codegen(context, builder, signature, args):  # type: ignore[no-untyped-def]
            emit(builder, *args)
            return context.get_dummy_value()

        return types.void(*[INT] * 9), codegen

    return sums


class _Emitter:
    def __init__(self, scalar: str, lanes: int, rows: int, vectors: int) -> None:
        self.scalar, self.lanes, self.rows, self.vectors = scalar, lanes, rows, vectors
        self.kind, self.item = L.vector_type(scalar, lanes), ITEM[scalar]
        self.bytes = lanes * self.item

    def __call__(self, b: Any, a: Any, a_step: Any, source: Any, b_step: Any, c: Any, count: Any, fresh: Any, a_ahead: Any, b_ahead: Any) -> None:
        self._expect(b, c)
        before, kept = b.block, b.append_basic_block("kept")
        loop, done = b.append_basic_block("loop"), b.append_basic_block("done")
        cells = range(self.rows * self.vectors)
        b.cbranch(b.icmp_signed("!=", fresh, ir.Constant(I64, 0)), loop, kept)
        b.position_at_end(kept)
        old = [self._load(b, c, k) for k in cells]
        b.branch(loop)
        b.position_at_end(loop)
        heads = [b.phi(I64) for _ in range(3)]
        sums = [b.phi(self.kind) for _ in cells]
        for phi, value in zip(heads, (count, a, source), strict=True):
            phi.add_incoming(value, before)
            phi.add_incoming(value, kept)
        for k in cells:
            sums[k].add_incoming(L.constant(self.scalar, self.lanes, 0.0), before)
            sums[k].add_incoming(old[k], kept)
        left, at_a, at_b = heads
        flags = [ir.Constant(I32, k) for k in (0, 2, 1)]
        L.call(b, 'llvm.prefetch.p0', ir.VoidType(), pointer(b, b.add(at_a, a_ahead), I8), *flags)
        for k in range(0, self.vectors * self.bytes, 64):
            L.call(b, 'llvm.prefetch.p0', ir.VoidType(), pointer(b, b.add(b.add(at_b, b_ahead), ir.Constant(I64, k)), I8), *flags)
        new = self._step(b, at_a, at_b, sums)
        rest = b.sub(left, ir.Constant(I64, 1))
        for phi, value in zip(
            [*heads, *sums], [rest, b.add(at_a, a_step), b.add(at_b, b_step), *new], strict=True
        ):
            phi.add_incoming(value, loop)
        b.cbranch(b.icmp_signed(">", rest, ir.Constant(I64, 0)), loop, done)
        b.position_at_end(done)
        for k in cells:
            b.store(new[k], self._place(b, c, k), align=self.item)

    def _place(self, b: Any, start: Any, k: int) -> Any:
        return pointer(b, b.add(start, ir.Constant(I64, k * self.bytes)), self.kind)

    def _load(self, b: Any, start: Any, k: int) -> Any:
        return b.load(self._place(b, start, k), align=self.item)

    def _expect(self, b: Any, c: Any) -> None:
        """Asks for the sums of the tile behind this one: they may lie in the third-level cache."""
        size = self.rows * self.vectors * self.bytes
        flags = [ir.Constant(I32, k) for k in (1, 3, 1)]
        for k in range(size, 2 * size, 64):
            L.call(b, "llvm.prefetch.p0", ir.VoidType(), pointer(b, b.add(c, ir.Constant(I64, k)), I8), *flags)

    def _step(self, b: Any, at_a: Any, at_b: Any, sums: list[Any]) -> list[Any]:
        column = [Lanes(b, self.scalar, self._load(b, at_b, j)) for j in range(self.vectors)]
        new = []
        for i in range(self.rows):
            where = pointer(b, b.add(at_a, ir.Constant(I64, i * self.item)), L.ELEMENT[self.scalar])
            x = L.splat(b, self.scalar, self.lanes, b.load(where, align=self.item))
            for j, y in enumerate(column):
                z = Lanes(b, self.scalar, sums[i * self.vectors + j])
                new.append((L.fma(x, y, z) if self.bytes >= 32 else x * y + z).value)
        return new
