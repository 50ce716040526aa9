"""The register tile of the products between the transforms: rows and columns at constant strides, no tables.

Its reductions are as short as the channels: 16 steps are over before the tables
and the masks of ``runtime.cpu.tile`` would pay.

Only kernels import this module (it imports numba).
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from runtime.vector import lanes as L
from runtime.vector.lanes import I64, Lanes
from runtime.vector.vectype import INT, ITEM_BYTES, pointer


def make_product(scalar: str, lanes: int, rows: int, vectors: int) -> Any:
    """``product(a, a_row, b, b_step, c, c_row, count)``: c[row][lane] = sum over i < count of a[row][i] b[i][lane].

    Addresses and strides in bytes; the elements of a row of a are neighbours,
    ``count`` is at least 1.

    Parameters
    ----------
    scalar
        ``f32`` or ``f64``.
    lanes, rows, vectors
        Elements a vector, rows and vectors a tile.
    """
    emitter = _ProductEmitter(scalar, lanes, rows, vectors)

    @intrinsic
    def product(tc, a, a_row, b, b_step, c, c_row, count):  # type: ignore[no-untyped-def]
        def emit(context, builder, s, values):  # type: ignore[no-untyped-def]
            emitter(builder, *values)
            return context.get_dummy_value()

        return types.void(*[INT] * 7), emit

    return product


class _ProductEmitter:
    """Emits one tile's code; see ``make_product`` for what it computes."""

    def __init__(self, scalar: str, lanes: int, rows: int, vectors: int) -> None:
        self.scalar, self.lanes, self.rows, self.vectors = scalar, lanes, rows, vectors
        self.kind = L.vector_type(scalar, lanes)
        self.item = ITEM_BYTES[scalar]

    def __call__(self, b: Any, a: Any, a_row: Any, start: Any, b_step: Any, c: Any, c_row: Any, count: Any) -> None:
        before, loop, done = b.block, b.append_basic_block("loop"), b.append_basic_block("done")
        first = [self._row(b, a, a_row, i) for i in range(self.rows)]
        end = b.add(start, b.mul(count, b_step))
        b.branch(loop)
        b.position_at_end(loop)
        at_b, at_a = b.phi(I64), b.phi(I64)
        sums = [b.phi(self.kind) for _ in range(self.rows * self.vectors)]
        new = self._step(b, [b.add(row, at_a) for row in first], at_b, sums)
        next_b = b.add(at_b, b_step)
        next_a = b.add(at_a, ir.Constant(I64, self.item))
        zero = L.constant(self.scalar, self.lanes, 0.0)
        nothing, phis = [start, ir.Constant(I64, 0), *[zero] * len(sums)], [at_b, at_a, *sums]
        for phi, old, value in zip(phis, nothing, [next_b, next_a, *new], strict=True):
            phi.add_incoming(old, before)
            phi.add_incoming(value, loop)
        b.cbranch(b.icmp_signed("<", next_b, end), loop, done)
        b.position_at_end(done)
        for i in range(self.rows):
            row = self._row(b, c, c_row, i)
            for j in range(self.vectors):
                b.store(new[i * self.vectors + j], self._vector(b, row, j), align=self.item)

    def _row(self, b: Any, start: Any, step: Any, i: int) -> Any:
        return b.add(start, b.mul(step, ir.Constant(I64, i)))

    def _vector(self, b: Any, address: Any, j: int) -> Any:
        return pointer(b, b.add(address, ir.Constant(I64, j * self.lanes * self.item)), self.kind)

    def _step(self, b: Any, a_rows: list[Any], at_b: Any, sums: list[Any]) -> list[Any]:
        """One step of the reduction: the new sums."""
        columns = [
            Lanes(b, self.scalar, b.load(self._vector(b, at_b, j), align=self.item)) for j in range(self.vectors)
        ]
        result = []
        for i, row in enumerate(a_rows):
            one = b.load(pointer(b, row, L.ELEMENT[self.scalar]), align=self.item)
            x = L.splat(b, self.scalar, self.lanes, one)
            for j, y in enumerate(columns):
                result.append(L.multiply_add(x, y, Lanes(b, self.scalar, sums[i * self.vectors + j])).value)
        return result
