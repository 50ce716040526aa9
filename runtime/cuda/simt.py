"""What a thread of a GPU has beyond the vector type: its place in the grid, barriers, shared memory.

Kernels import this module and ``runtime.vector.simd``; launchers never do (it
imports numba). Numbers are int64; addresses of shared memory count bytes from
its start. ``runtime.cuda.emulator`` has the same names in NumPy.
"""

from __future__ import annotations

import functools
from types import SimpleNamespace
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from runtime.vector import lanes as L
from runtime.vector.lanes import I32, I64
from runtime.vector.vectype import INT, ITEM_BYTES, SCALAR, lanes_of, vec

SHARED = 3
"""NVVM's address space of what the threads of a block share."""


def _special(register: str, doc: str) -> Any:
    """A thread's special register as int64."""

    def function(tc):
        def emit(c, b, s, a):
            return b.zext(L.call(b, f"llvm.nvvm.read.ptx.sreg.{register}", I32), I64)

        return INT(), emit

    function.__doc__ = doc
    return intrinsic(function)


thread = _special("tid.x", "The thread's number in its block.")
threads = _special("ntid.x", "Threads a block.")
block = _special("ctaid.x", "The block's number along x.")
block_y = _special("ctaid.y", "The block's number along y.")
block_z = _special("ctaid.z", "The block's number along z.")


def _read_anew(register: str, doc: str) -> Any:
    """As ``_special``, by an instruction that no earlier one stands for.

    What a kernel computes of it behind a loop is computed behind the loop, and occupies no registers within.
    """

    def function(tc):
        def emit(c, b, s, a):
            kind = ir.FunctionType(I32, [])
            return b.zext(b.call(ir.InlineAsm(kind, f"mov.u32 $0, %{register};", "=r", side_effect=True), []), I64)

        return INT(), emit

    function.__doc__ = doc
    return intrinsic(function)


thread_anew = _read_anew("tid.x", "``thread``, read anew.")
block_anew = _read_anew("ctaid.x", "``block``, read anew.")


@intrinsic
def place(tc):
    """The thread's number in a one-dimensional grid."""

    def emit(c, b, s, a):
        register = {n: L.call(b, f"llvm.nvvm.read.ptx.sreg.{n}", I32) for n in ("ctaid.x", "ntid.x", "tid.x")}
        ahead = b.mul(b.zext(register["ctaid.x"], I64), b.zext(register["ntid.x"], I64))
        return b.add(ahead, b.zext(register["tid.x"], I64))

    return INT(), emit


@intrinsic
def within(tc, x, size):
    """Whether 0 <= x < size, of numbers that 32 bits hold: one comparison instead of two of twice the width."""

    def emit(c, b, s, a):
        return b.icmp_unsigned("<", b.trunc(a[0], I32), b.trunc(a[1], I32))

    return types.boolean(INT, INT), emit


@intrinsic
def barrier(tc):
    """Waits until all threads of the block are here and sees what they wrote; every thread must come."""

    def emit(c, b, s, a):
        L.call(b, "llvm.nvvm.barrier0", ir.VoidType())
        return c.get_dummy_value()

    return types.void(), emit


def shared_pointer(b: Any, address: Any, of: Any, ahead: Any = None) -> Any:
    """A pointer to a byte address of the block's dynamic shared memory, ``ahead`` bytes further if given.

    The two are added to the pointer one after the other: a constant ``ahead`` becomes part of the instruction.
    """
    name, whole = "netspec_shared", ir.ArrayType(L.I8, 0)
    base = b.module.globals.get(name)
    if base is None:
        base = ir.GlobalVariable(b.module, whole, name, SHARED)
        base.linkage, base.align = "external", 16
    start = b.bitcast(base, L.I8.as_pointer(SHARED))
    # no cut to 32 bits: the assembler finds out that the upper halves are not needed, LLVM would extend them again
    place = b.gep(start, [address])
    if ahead is not None:
        place = b.gep(place, [ahead])
    return b.bitcast(place, of.as_pointer(SHARED))


def _element(b: Any, p: Any, i: Any, dtype: str, of: Any) -> Any:
    """A pointer to ``of`` at element i of a dtype behind shared address p."""
    return shared_pointer(b, p, of, b.mul(i, ir.Constant(I64, ITEM_BYTES[dtype])))


@functools.cache
def shared_loader(dtype: str, lanes: int) -> Any:
    """``load(p, i)``: elements i, i + 1, .. behind shared address p; the first lies at a multiple of the vector."""

    @intrinsic
    def load(tc, p, i):
        def emit(c, b, s, a):
            where = _element(b, a[0], a[1], dtype, L.vector_type(dtype, lanes))
            return b.load(where, align=ITEM_BYTES[dtype] * lanes)

        return vec(dtype, lanes)(INT, INT), emit

    return load


@functools.cache
def shared_storer(dtype: str, lanes: int) -> Any:
    """``store(p, i, v)``: v's lanes as elements i, i + 1, ..; the first lies at a multiple of the vector."""

    @intrinsic
    def store(tc, p, i, v):
        def emit(c, b, s, a):
            value = lanes_of(b, s.args[2], a[2]).value
            b.store(value, _element(b, a[0], a[1], dtype, value.type), align=ITEM_BYTES[dtype] * lanes)
            return c.get_dummy_value()

        return types.void(INT, INT, v), emit

    return store


@functools.cache
def shared_reader(dtype: str) -> Any:
    """``read(p, i)``: element i behind shared address p as a scalar."""

    @intrinsic
    def read(tc, p, i):
        def emit(c, b, s, a):
            return b.load(_element(b, a[0], a[1], dtype, L.ELEMENT[dtype]), align=ITEM_BYTES[dtype])

        return SCALAR[dtype](INT, INT), emit

    return read


@functools.cache
def shared_writer(dtype: str) -> Any:
    """``write(p, i, x)``: the scalar x as element i behind shared address p."""

    @intrinsic
    def write(tc, p, i, x):
        def emit(c, b, s, a):
            b.store(a[2], _element(b, a[0], a[1], dtype, L.ELEMENT[dtype]), align=ITEM_BYTES[dtype])
            return c.get_dummy_value()

        return types.void(INT, INT, SCALAR[dtype]), emit

    return write


@functools.cache
def shared_vectors(dtype: str, lanes: int) -> SimpleNamespace:
    """The typed functions of shared memory: load, store (vectors), read, write (scalars). Bind them to names."""
    return SimpleNamespace(
        load=shared_loader(dtype, lanes),
        store=shared_storer(dtype, lanes),
        read=shared_reader(dtype),
        write=shared_writer(dtype),
    )


@functools.cache
def lane_reader(dtype: str, lanes: int) -> Any:
    """``lane(v, k)``: lane k (a literal) of a vector as a scalar."""

    @intrinsic
    def lane(tc, v, k):
        if not isinstance(k, types.IntegerLiteral):
            return None
        place = ir.Constant(I32, k.literal_value)
        return SCALAR[dtype](v, k), lambda c, b, s, a: b.extract_element(a[0], place)

    return lane


@functools.cache
def outer_adder(dtype: str, lanes: int) -> Any:
    """``add_outer(a, b, s0, s1, ..)``: the vectors s0 + a[0] b, s1 + a[1] b, .., one for each lane of a, rounded once.

    One function, where a line for each would be compiled line by line.
    """

    @intrinsic
    def add_outer(tc, a, b, *rows):
        answer = types.UniTuple(b, len(rows))

        def emit(c, builder, s, args):
            left, right = args[0], L.Lanes(builder, dtype, args[1])
            sums = []
            # numba hands on what follows b as one tuple
            for k, row in enumerate(cgutils.unpack_tuple(builder, args[2])):
                x = L.splat(builder, dtype, lanes, builder.extract_element(left, ir.Constant(I32, k)))
                sums.append(L.fma(x, right, L.Lanes(builder, dtype, row)).value)
            return c.make_tuple(builder, answer, sums)

        return answer(a, b, types.StarArgTuple(rows)), emit

    return add_outer
