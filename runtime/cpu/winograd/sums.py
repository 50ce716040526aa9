"""The register tile of a weight gradient between its transforms: sums over tiles, rows side by side.

Both operands lie in panels, a tile's channels side by side, so that a row is a
displacement and no table is needed: sums over 32 tiles repay a call.

Only kernels import this module (it imports numba).
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from runtime.vector import lanes as L
from runtime.vector.lanes import I64, Lanes
from runtime.vector.vectype import INT, ITEM_BYTES, emit_prefetch, pointer


def make_sums(scalar: str, lanes: int, rows: int, vectors: int) -> Any:
    """``sums(a, a_step, a_next, b, b_step, b_next, c, count, fresh)``.

    c[row][lane] += sum over i < count of a[i][row] b[i][lane]: rows of c lie one
    behind another; it is not read where ``fresh`` is not 0. Addresses and
    strides in bytes, ``count`` is at least 1. What lies ``a_next`` and
    ``b_next`` behind the operands is fetched for the next call.

    Parameters
    ----------
    scalar
        ``f32`` or ``f64``.
    lanes, rows, vectors
        Elements a vector, rows and vectors a tile.
    """
    emit = _Emitter(scalar, lanes, rows, vectors)

    @intrinsic
    def sums(tc, a, a_step, a_next, b, b_step, b_next, c, count, fresh):  # type: ignore[no-untyped-def]
        def codegen(context, builder, signature, args):  # type: ignore[no-untyped-def]
            a, a_step, a_next, b, b_step, b_next, c, count, fresh = args
            start = emit.begin(builder, c, fresh)
            emit.loop(builder, start, count, (a, a_step, a_next), (b, b_step, b_next), c)
            return context.get_dummy_value()

        return types.void(*[INT] * 9), codegen

    return sums


def _k(value: int) -> ir.Constant:
    return ir.Constant(I64, value)


class _Emitter:
    """Emits the tile's code: the sums begin, the loop with its stores."""

    def __init__(self, scalar: str, lanes: int, rows: int, vectors: int) -> None:
        self.scalar, self.lanes, self.rows, self.vectors = scalar, lanes, rows, vectors
        self.kind, self.item = L.vector_type(scalar, lanes), ITEM_BYTES[scalar]
        self.bytes = lanes * self.item
        self.cells = range(rows * vectors)

    def begin(self, b: Any, c: Any, fresh: Any) -> list[Any]:
        """The sums so far."""
        size = len(self.cells) * self.bytes
        for at in range(size, 2 * size, 64):  # the next tile's may lie in the third-level cache
            emit_prefetch(b, b.add(c, _k(at)), write=1)
        before, kept, ready = b.block, b.append_basic_block("kept"), b.append_basic_block("ready")
        b.cbranch(b.icmp_signed("!=", fresh, _k(0)), ready, kept)
        b.position_at_end(kept)
        old = [self._load(b, c, k) for k in self.cells]
        b.branch(ready)
        b.position_at_end(ready)
        sums = [b.phi(self.kind) for _ in self.cells]
        for phi, value in zip(sums, old, strict=True):
            phi.add_incoming(L.constant(self.scalar, self.lanes, 0.0), before)
            phi.add_incoming(value, kept)
        return sums

    def loop(self, b: Any, start: list[Any], count: Any, left: Any, right: Any, c: Any) -> None:
        """The sum over ``count`` tiles, stored."""
        before, loop, done = b.block, b.append_basic_block("loop"), b.append_basic_block("done")
        b.branch(loop)
        b.position_at_end(loop)
        (a, a_step, a_next), (source, b_step, b_next) = left, right
        first = [count, a, source, *start]
        phis = [b.phi(value.type) for value in first]
        rest, at_a, at_b, *sums = phis
        emit_prefetch(b, b.add(at_a, a_next), near=2)
        ahead = b.add(at_b, b_next)
        for at in range(0, self.vectors * self.bytes, 64):
            emit_prefetch(b, b.add(ahead, _k(at)), near=2)
        new = self._step(b, at_a, at_b, sums)
        rest = b.sub(rest, _k(1))
        follow = [rest, b.add(at_a, a_step), b.add(at_b, b_step), *new]
        for phi, value, again in zip(phis, first, follow, strict=True):
            phi.add_incoming(value, before)
            phi.add_incoming(again, loop)
        b.cbranch(b.icmp_signed(">", rest, _k(0)), loop, done)
        b.position_at_end(done)
        for k in self.cells:
            b.store(new[k], self._place(b, c, k), align=self.item)

    def _place(self, b: Any, start: Any, k: int) -> Any:
        return pointer(b, b.add(start, _k(k * self.bytes)), self.kind)

    def _load(self, b: Any, start: Any, k: int) -> Any:
        return b.load(self._place(b, start, k), align=self.item)

    def _step(self, b: Any, at_a: Any, at_b: Any, sums: list[Any]) -> list[Any]:
        columns = [Lanes(b, self.scalar, self._load(b, at_b, j)) for j in range(self.vectors)]
        new = []
        for i in range(self.rows):
            where = pointer(b, b.add(at_a, _k(i * self.item)), L.ELEMENT[self.scalar])
            x = L.splat(b, self.scalar, self.lanes, b.load(where, align=self.item))
            for j, y in enumerate(columns):
                z = Lanes(b, self.scalar, sums[i * self.vectors + j])
                new.append(L.multiply_add(x, y, z).value)
        return new
