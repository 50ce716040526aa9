"""Vectors and words from and to memory: what kernels load and store with.

Addresses are int64 byte addresses, ``i`` counts elements, strides of gathers
are bytes. Kernels import these through ``runtime.vector.simd``.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from runtime.vector import lanes as L
from runtime.vector.lanes import I8, I64, Lanes
from runtime.vector.vectype import (
    INT,
    ITEM_BYTES,
    MEMORY,
    SCALAR,
    element_address,
    lanes_of,
    number_type,
    pointer,
    scalar_to,
    vec,
)


def _scalar_value(b: Any, memory: str, kind: str, address: Any) -> Any:
    """One element of memory as a scalar of ``kind``."""
    stored = MEMORY[memory]
    one = b.load(pointer(b, address, L.ELEMENT[stored]), align=ITEM_BYTES[memory])
    single = Lanes(b, stored, b.insert_element(ir.Constant(L.vector_type(stored, 1), ir.Undefined), one, _ZERO))
    return b.extract_element(L.convert(single, kind).value, _ZERO)


_ZERO = ir.Constant(L.I32, 0)


@functools.cache
def scalar_loader(memory: str, kind: str) -> Any:
    """``read(p, i)``: element i of ``memory`` dtype as a scalar of ``kind``."""

    @intrinsic
    def read(tc, p, i):
        def emit(c, b, s, a):
            return _scalar_value(b, memory, kind, element_address(b, a[0], a[1], memory))

        return SCALAR[kind](INT, INT), emit

    return read


@functools.cache
def scalar_storer(memory: str) -> Any:
    """``write(p, i, x)``: the scalar x as element i."""

    @intrinsic
    def write(tc, p, i, x):
        def emit(c, b, s, a):
            address = element_address(b, a[0], a[1], memory)
            value = b.zext(a[2], I8) if memory == "b1" else a[2]
            b.store(value, pointer(b, address, L.ELEMENT[MEMORY[memory]]), align=ITEM_BYTES[memory])
            return c.get_dummy_value()

        return types.void(INT, INT, SCALAR[memory]), emit

    return write


@functools.cache
def loader(memory: str, kind: str, lanes: int, together: int = 1) -> Any:
    """``load(p, i)``: elements i, i + 1, .. of ``memory`` dtype, as ``kind``.

    ``together``: element i lies at a multiple of so many elements. A GPU loads as many at once.
    """
    stored = MEMORY[memory]

    @intrinsic
    def load(tc, p, i):
        def emit(c, b, s, a):
            where = pointer(b, element_address(b, a[0], a[1], memory), L.vector_type(stored, lanes))
            return L.convert(Lanes(b, stored, b.load(where, align=ITEM_BYTES[memory] * together)), kind).value

        return vec(kind, lanes)(INT, INT), emit

    return load


@functools.cache
def aligned_loader(memory: str, kind: str, lanes: int) -> Any:
    """``loader`` where element i lies at a multiple of the vector."""
    return loader(memory, kind, lanes, lanes)


def _shuffled(dtype: str, width: int, order: list[int]) -> Any:
    """``load(p, i)``: the lanes ``order`` of a vector of ``width`` elements from i on."""

    @intrinsic
    def load(tc, p, i):
        def emit(c, b, s, a):
            where = pointer(b, element_address(b, a[0], a[1], dtype), L.vector_type(dtype, width))
            value = b.load(where, align=ITEM_BYTES[dtype])
            return b.shuffle_vector(value, value, ir.Constant(ir.VectorType(L.I32, len(order)), order))

        return vec(dtype, len(order))(INT, INT), emit

    return load


@functools.cache
def repeating_loader(dtype: str, lanes: int, times: int) -> Any:
    """``load(p, i)``: elements i, i + 1, .., each ``times`` times (a divisor of the lanes)."""
    return _shuffled(dtype, lanes // times, [k // times for k in range(lanes)])


@functools.cache
def skipping_loader(dtype: str, lanes: int, times: int) -> Any:
    """``load(p, i)``: elements i, i + times, i + 2 times, .."""
    return _shuffled(dtype, lanes * times, [k * times for k in range(lanes)])


@functools.cache
def tail_loader(memory: str, kind: str, lanes: int) -> Any:
    """``load_tail(p, i, n)``: the first n lanes, zeros beyond; n may exceed the lanes."""
    stored = MEMORY[memory]

    @intrinsic
    def load_tail(tc, p, i, n):
        def emit(c, b, s, a):
            where = pointer(b, element_address(b, a[0], a[1], memory), L.vector_type(stored, lanes))
            return L.convert(_masked_load(b, stored, lanes, where, ITEM_BYTES[memory], a[2]), kind).value

        return vec(kind, lanes)(INT, INT, INT), emit

    return load_tail


def _llvm_name(kind: str) -> str:
    return kind if kind[0] == "f" else f"i{L.BITS[kind]}"


def _masked_load(b: Any, stored: str, lanes: int, where: Any, align: int, n: Any) -> Lanes:
    ty, mask = L.vector_type(stored, lanes), L.lanes_below(b, lanes, n).value
    name = f"llvm.masked.load.v{lanes}{_llvm_name(stored)}.p{where.type.addrspace}"
    zero = L.constant(stored, lanes, 0)
    return Lanes(b, stored, L.call(b, name, ty, where, ir.Constant(L.I32, align), mask, zero))


def _to_memory(value: Lanes, memory: str) -> Lanes:
    """Lanes as they lie in memory: a bool by ``!= 0``, then as a byte."""
    return L.convert(L.convert(value, "b1") if memory == "b1" else value, MEMORY[memory])


def _store(memory: str, lanes: int, masked: bool, together: int = 1) -> Callable[..., Any]:
    stored = MEMORY[memory]

    def emit(c: Any, b: Any, s: Any, a: Any) -> Any:
        value = _to_memory(lanes_of(b, s.args[2], a[2]), memory).value
        where = pointer(b, element_address(b, a[0], a[1], memory), value.type)
        if masked:
            mask = L.lanes_below(b, lanes, a[3]).value
            name = f"llvm.masked.store.v{lanes}{_llvm_name(stored)}.p{where.type.addrspace}"
            L.call(b, name, ir.VoidType(), value, where, ir.Constant(L.I32, ITEM_BYTES[memory]), mask)
        else:
            b.store(value, where, align=ITEM_BYTES[memory] * together)
        return c.get_dummy_value()

    return emit


@functools.cache
def storer(memory: str, lanes: int, together: int = 1) -> Any:
    """``store(p, i, v)``: v's lanes as elements i, i + 1, .. of ``memory`` dtype; ``together``: see ``loader``."""

    @intrinsic
    def store(tc, p, i, v):
        return types.void(INT, INT, v), _store(memory, lanes, False, together)

    return store


@functools.cache
def aligned_storer(memory: str, lanes: int) -> Any:
    """``storer`` where element i lies at a multiple of the vector."""
    return storer(memory, lanes, lanes)


@functools.cache
def tail_storer(memory: str, lanes: int) -> Any:
    """``store_tail(p, i, v, n)``: the first n lanes alone."""

    @intrinsic
    def store_tail(tc, p, i, v, n):
        return types.void(INT, INT, v, INT), _store(memory, lanes, True)

    return store_tail


def _addresses(b: Any, lanes: int, base: Any, stride: Any, of: Any) -> Any:
    offsets = L.numbered(b, "i64", lanes) * L.splat(b, "i64", lanes, stride)
    address = L.splat(b, "i64", lanes, base) + offsets
    return b.inttoptr(address.value, ir.VectorType(of.as_pointer(), lanes))


@functools.cache
def gatherer(memory: str, kind: str, lanes: int) -> Any:
    """``gather(p, stride, n)``: the elements at p, p + stride bytes, ..; n of them, zeros beyond."""
    stored = MEMORY[memory]

    @intrinsic
    def gather(tc, p, stride, n):
        def emit(c, b, s, a):
            if ITEM_BYTES[memory] == 1 or L.on_gpu(b):
                return L.convert(_gather_lanes(b, stored, lanes, a), kind).value
            pointers = _addresses(b, lanes, a[0], a[1], L.ELEMENT[stored])
            mask = L.lanes_below(b, lanes, a[2]).value
            name = f"llvm.masked.gather.v{lanes}{_llvm_name(stored)}.v{lanes}p0"
            align, zero = ir.Constant(L.I32, ITEM_BYTES[memory]), L.constant(stored, lanes, 0)
            value = L.call(b, name, L.vector_type(stored, lanes), pointers, align, mask, zero)
            return L.convert(Lanes(b, stored, value), kind).value

        return vec(kind, lanes)(INT, INT, INT), emit

    return gather


def _gather_lanes(b: Any, stored: str, lanes: int, a: Any) -> Lanes:
    """Lane by lane, indices clamped to n - 1: there is no gather of bytes, nor any on a GPU."""
    last, value = b.sub(a[2], ir.Constant(I64, 1)), L.constant(stored, lanes, 0)
    for k in range(lanes):
        at = ir.Constant(I64, k)
        at = b.select(b.icmp_signed("<", at, last), at, last)
        where = pointer(b, b.add(a[0], b.mul(at, a[1])), L.ELEMENT[stored])
        one = b.load(where, align=ITEM_BYTES[stored])
        value = b.insert_element(value, one, ir.Constant(L.I32, k))
    return Lanes(b, stored, value)


def _scatter_lanes(b: Any, value: Lanes, lanes: int, a: Any) -> None:
    """Lane by lane, those below n alone."""
    for k in range(lanes):
        at = ir.Constant(I64, k)
        with b.if_then(b.icmp_signed("<", at, a[3])):
            where = pointer(b, b.add(a[0], b.mul(at, a[1])), L.ELEMENT[value.kind])
            b.store(b.extract_element(value.value, ir.Constant(L.I32, k)), where, align=ITEM_BYTES[value.kind])


@functools.cache
def scatterer(memory: str, lanes: int) -> Any:
    """``scatter(p, stride, v, n)``: the first n lanes to p, p + stride bytes, .."""
    stored = MEMORY[memory]

    @intrinsic
    def scatter(tc, p, stride, v, n):
        def emit(c, b, s, a):
            stored_lanes = _to_memory(lanes_of(b, s.args[2], a[2]), memory)
            if L.on_gpu(b):
                _scatter_lanes(b, stored_lanes, lanes, a)
                return c.get_dummy_value()
            value = stored_lanes.value
            pointers = _addresses(b, lanes, a[0], a[1], L.ELEMENT[stored])
            mask = L.lanes_below(b, lanes, a[3]).value
            name = f"llvm.masked.scatter.v{lanes}{_llvm_name(stored)}.v{lanes}p0"
            L.call(b, name, ir.VoidType(), value, pointers, ir.Constant(L.I32, ITEM_BYTES[memory]), mask)
            return c.get_dummy_value()

        return types.void(INT, INT, v, INT), emit

    return scatter


@functools.cache
def broadcaster(memory: str, kind: str, lanes: int) -> Any:
    """``broadcast(p)``: the element at p in every lane."""

    @intrinsic
    def broadcast(tc, p):
        def emit(c, b, s, a):
            return L.splat(b, kind, lanes, _scalar_value(b, memory, kind, a[0])).value

        return vec(kind, lanes)(INT), emit

    return broadcast


@functools.cache
def splatter(kind: str, lanes: int) -> Any:
    """``splat(x)``: the number x in every lane."""

    @intrinsic
    def splat(tc, x):
        source = number_type(kind)
        return vec(kind, lanes)(source), lambda c, b, s, a: scalar_to(b, kind, lanes, a[0]).value

    return splat


@functools.cache
def ramp(kind: str, lanes: int) -> Any:
    """``ramp(start, step)``: start, start + step, .. (int64 arguments)."""

    @intrinsic
    def arange(tc, start, step):
        def emit(c, b, s, a):
            first = L.splat(b, "i64", lanes, a[0])
            value = first + L.numbered(b, "i64", lanes) * L.splat(b, "i64", lanes, a[1])
            return L.convert(value, kind).value

        return vec(kind, lanes)(INT, INT), emit

    return arange


@functools.cache
def mask_below(lanes: int) -> Any:
    """``below(n)``: mask of the first n lanes."""

    @intrinsic
    def below(tc, n):
        return vec("b1", lanes)(INT), lambda c, b, s, a: L.lanes_below(b, lanes, a[0]).value

    return below


@functools.cache
def vectors(dtype: str, lanes: int) -> SimpleNamespace:
    """The typed functions of a working dtype: load, store, load_tail, store_tail, gather, scatter, splat, broadcast.

    Bind them to names at a kernel module's top: ``load = V.load``; Numba does
    not look into a namespace.
    """
    return SimpleNamespace(
        load=loader(dtype, dtype, lanes),
        store=storer(dtype, lanes),
        load_tail=tail_loader(dtype, dtype, lanes),
        store_tail=tail_storer(dtype, lanes),
        gather=gatherer(dtype, dtype, lanes),
        scatter=scatterer(dtype, lanes),
        broadcast=broadcaster(dtype, dtype, lanes),
        splat=splatter(dtype, lanes),
        below=mask_below(lanes),
        read=scalar_loader(dtype, dtype),
        write=scalar_storer(dtype),
        lanes=lanes,
        dtype=dtype,
    )
