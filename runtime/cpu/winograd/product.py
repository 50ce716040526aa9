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

from runtime.cpu import lanes as L
from runtime.cpu.lanes import I64, Lanes
from runtime.cpu.vectype import INT, ITEM, pointer


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
    kind = L.vector_type(scalar, lanes)
    item = ITEM[scalar]
    fused = lanes * item >= 32

    def at(b: Any, start: Any, step: Any, k: int) -> Any:
        return b.add(start, b.mul(step, ir.Constant(I64, k)))

    def vector(b: Any, address: Any, j: int) -> Any:
        return pointer(b, b.add(address, ir.Constant(I64, j * lanes * item)), kind)

    def step(b: Any, a: list[Any], where: Any, sums: list[Any]) -> list[Any]:
        columns = [Lanes(b, scalar, b.load(vector(b, where, j), align=item)) for j in range(vectors)]
        result = []
        for i, row in enumerate(a):
            one = b.load(pointer(b, row, L.ELEMENT[scalar]), align=item)
            x = L.splat(b, scalar, lanes, one)
            for j, y in enumerate(columns):
                z = Lanes(b, scalar, sums[i * vectors + j])
                result.append((L.fma(x, y, z) if fused else x * y + z).value)
        return result

    @intrinsic
    def product(tc, a, a_row, b, b_step, c, c_row, count):  # type: ignore[no-untyped-def]
        def emit(context, b, s, v):  # type: ignore[no-untyped-def]
            a, a_row, start, b_step, c, c_row, count = v
            before, loop, done = b.block, b.append_basic_block("loop"), b.append_basic_block("done")
            first = [at(b, a, a_row, i) for i in range(rows)]
            end = b.add(start, b.mul(count, b_step))
            b.branch(loop)
            b.position_at_end(loop)
            left = b.phi(I64)
            offset = b.phi(I64)
            sums = [b.phi(kind) for _ in range(rows * vectors)]
            left.add_incoming(start, before)
            offset.add_incoming(ir.Constant(I64, 0), before)
            for phi in sums:
                phi.add_incoming(L.constant(scalar, lanes, 0.0), before)
            new = step(b, [b.add(row, offset) for row in first], left, sums)
            rest = b.add(left, b_step)
            left.add_incoming(rest, loop)
            offset.add_incoming(b.add(offset, ir.Constant(I64, item)), loop)
            for phi, value in zip(sums, new, strict=True):
                phi.add_incoming(value, loop)
            b.cbranch(b.icmp_signed("<", rest, end), loop, done)
            b.position_at_end(done)
            for i in range(rows):
                row = at(b, c, c_row, i)
                for j in range(vectors):
                    b.store(new[i * vectors + j], vector(b, row, j), align=item)
            return context.get_dummy_value()

        return types.void(*[INT] * 7), emit

    return product
