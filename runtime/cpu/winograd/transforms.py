"""Transforms of tiles, M X M', as straight-line code on vectors of channels.

A matrix becomes a short program of multiply-adds first: zeros are dropped and
sums that several rows share (for points p and -p: the even and the odd part)
are computed once. The intrinsics that come of it keep the tile in registers as
far as these reach. The order of the operations is fixed here, not by LLVM.

Only kernels import this module (it imports numba).

Source
    Lavin and Gray 2016, "Fast algorithms for convolutional neural networks".
"""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from runtime.vector import lanes as L
from runtime.vector.lanes import I64, Lanes
from runtime.vector.vectype import INT, ITEM_BYTES, pointer
from runtime.winograd import Matrix

Terms = tuple[tuple[float, int], ...]
"""A sum of coefficient x value; values are numbered: the operands first, then the results of earlier sums."""


@functools.cache
def program(matrix: Matrix) -> tuple[tuple[Terms, ...], tuple[int, ...]]:
    """Sums that compute a matrix times a vector, and which values are its rows.

    As long as a pair of values occurs in several rows in one proportion, the
    pair becomes a value of its own.
    """
    rows = [{j: c for j, c in enumerate(row) if c} for row in matrix]
    sums: list[Terms] = []
    width = len(matrix[0])
    while True:
        pairs = Counter((i, j, row[j] / row[i]) for row in rows for i in sorted(row) for j in sorted(row) if i < j)
        if not pairs:
            break
        # of equally frequent pairs the lowest, so that the code never changes
        (i, j, ratio), count = min(pairs.items(), key=lambda item: (-item[1], item[0]))
        if count < 2:
            break
        for row in rows:
            if i in row and j in row and row[j] / row[i] == ratio:
                row[width + len(sums)] = row.pop(i)
                del row[j]
        sums.append(((1.0, i), (float(ratio), j)))
    places = []
    for row in rows:
        if list(row.values()) == [1]:
            places.append(next(iter(row)))
        else:
            places.append(width + len(sums))
            sums.append(tuple((float(c), j) for j, c in row.items()))
    return tuple(sums), tuple(places)


def combine(matrix: Matrix, values: Sequence[Lanes]) -> list[Lanes]:
    """The matrix times ``values``."""
    sums, places = program(matrix)
    known = [v.exact() for v in values]
    for terms in sums:
        known.append(_sum([(c, known[j]) for c, j in terms]))
    return [known[place] for place in places]


def _sum(terms: list[tuple[float, Lanes]]) -> Lanes:
    """The sum of coefficient x value; starts with a coefficient 1 if there is one."""
    order = sorted(range(len(terms)), key=lambda k: (terms[k][0] != 1.0, terms[k][0] != -1.0, k))
    (c, total), *rest = (terms[k] for k in order)
    if c != 1.0:
        total = -total if c == -1.0 else total * c
    for c, value in rest:
        total = total + value if c == 1.0 else total - value if c == -1.0 else L.multiply_add(value, c, total)
    return total


@functools.cache
def room(size: int, scalar: str, lanes: int) -> Any:
    """``place()``: the address of a tile of size x size vectors on the stack.

    It also makes LLVM align the frame to vectors: what a transform spills would
    lie across cache lines otherwise, at half the speed of the whole transform.
    """
    kind = ir.ArrayType(L.vector_type(scalar, lanes), size * size)

    @intrinsic
    def place(tc):  # type: ignore[no-untyped-def]
        def emit(c, b, s, a):  # type: ignore[no-untyped-def]
            found: Any = cgutils.alloca_once(b, kind)
            found.align = lanes * ITEM_BYTES[scalar]
            return b.ptrtoint(found, I64)

        return INT(), emit

    return place


@functools.cache
def transformer(matrix: Matrix, scalar: str, lanes: int) -> Any:
    """``transform(source, row, column, to, to_row, to_column)``: M X M' of a tile of vectors.

    Element (i, j) of X is the vector at source + i row + j column, bytes;
    likewise of the result, from ``to`` on.
    """

    @intrinsic
    def transform(tc, source, row, column, to, to_row, to_column):  # type: ignore[no-untyped-def]
        def emit(c, b, s, a):  # type: ignore[no-untyped-def]
            _write(b, scalar, _rows(b, matrix, _columns(b, matrix, scalar, lanes, *a[:3])), *a[3:])
            return c.get_dummy_value()

        return types.void(*[INT] * 6), emit

    return transform


@functools.cache
def tail_transformer(matrix: Matrix, scalar: str, lanes: int) -> Any:
    """``transform(source, row, column, to, to_row, to_column, count)``: writes the first ``count`` lanes alone."""

    @intrinsic
    def transform(tc, source, row, column, to, to_row, to_column, count):  # type: ignore[no-untyped-def]
        def emit(c, b, s, a):  # type: ignore[no-untyped-def]
            columns = _columns(b, matrix, scalar, lanes, *a[:3])
            mask = L.lanes_below(b, lanes, a[6]).value
            if lanes * ITEM_BYTES[scalar] >= 64:  # a masked store is as fast as any, and half the code
                _write(b, scalar, _rows(b, matrix, columns), a[3], a[4], a[5], mask)
                return c.get_dummy_value()
            whole = b.icmp_signed(">=", a[6], ir.Constant(I64, lanes))
            with b.if_else(whole) as (then, otherwise):
                with then:
                    _write(b, scalar, _rows(b, matrix, columns), *a[3:6])
                with otherwise:
                    _write(b, scalar, _rows(b, matrix, columns), a[3], a[4], a[5], mask)
            return c.get_dummy_value()

        return types.void(*[INT] * 7), emit

    return transform


def _place(b: Any, start: Any, row: Any, column: Any, i: int, j: int) -> Any:
    down = b.add(start, b.mul(row, ir.Constant(I64, i)))
    return b.add(down, b.mul(column, ir.Constant(I64, j)))


def _fence(b: Any, matrix: Matrix, scalar: str, lanes: int) -> None:
    """Between columns, and between rows, of a tile that does not fit the registers.

    Keeps LLVM's scheduler from loading all of it before it computes, which spills most of it.
    """
    if len(matrix) * len(matrix[0]) > (24 if lanes * ITEM_BYTES[scalar] >= 64 else 12):
        b.asm(ir.FunctionType(ir.VoidType(), []), "", "~{memory}", [], True)


def _columns(b: Any, matrix: Matrix, scalar: str, lanes: int, source: Any, row: Any, column: Any) -> list[list[Lanes]]:
    """M times each column of the tile whose vectors lie at source + i row + j column."""
    kind = L.vector_type(scalar, lanes)
    result = []
    for j in range(len(matrix[0])):
        places = [pointer(b, _place(b, source, row, column, i, j), kind) for i in range(len(matrix[0]))]
        result.append(combine(matrix, [Lanes(b, scalar, b.load(p, align=ITEM_BYTES[scalar])) for p in places]))
        _fence(b, matrix, scalar, lanes)
    return result


def _rows(b: Any, matrix: Matrix, columns: list[list[Lanes]]) -> Iterator[list[Lanes]]:
    """The rows of what M' makes of these columns, one at a time."""
    one = columns[0][0]
    for row in zip(*columns, strict=True):
        yield combine(matrix, row)
        _fence(b, matrix, one.kind, one.count)


def _write(b: Any, scalar: str, rows: Iterable[list[Lanes]], to: Any, row: Any, column: Any, mask: Any = None) -> None:
    """Stores the vectors at to + i row + j column, all lanes or those of the mask."""
    for i, line in enumerate(rows):
        for j, value in enumerate(line):
            where = pointer(b, _place(b, to, row, column, i, j), value.value.type)
            if mask is None:
                b.store(value.value, where, align=ITEM_BYTES[scalar])
            else:
                name = f"llvm.masked.store.v{value.count}{scalar}.p0"
                L.call(b, name, ir.VoidType(), value.value, where, ir.Constant(L.I32, ITEM_BYTES[scalar]), mask)
