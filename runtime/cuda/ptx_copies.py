"""Copies from global to shared memory that run beside the arithmetic (``cp.async``), a thread's share at a time.

One call makes all of a thread's copies of a slice: numba's time grows with the
calls. ``runtime.cuda.mma_sides`` says what the slices are;
``runtime.cuda.emulator.tensor`` has the same names in NumPy.

Source
    NVIDIA, "Parallel Thread Execution ISA", section ``cp.async``.
"""

from __future__ import annotations

import functools
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from runtime.cuda.ptx import asm, shared_address
from runtime.vector.lanes import I32, I64
from runtime.vector.vectype import INT

_NOTHING = ir.VoidType()


def _copy(b: Any, to: Any, source: Any, size: Any) -> None:
    """Starts to copy ``size`` bytes (0, 4, 8, 12 or 16) from global to shared memory; zeros fill up to 16.

    Both addresses are multiples of 16; with size 0 ``source`` is not touched.
    The copy passes by the registers and by the first-level cache.
    """
    values = [shared_address(b, to), source, size]
    asm(b, _NOTHING, "cp.async.cg.shared.global [$0], [$1], 16, $2;", "r,l,r,~{memory}", values)


def _within(b: Any, x: Any, size: Any) -> Any:
    """Whether 0 <= x < size, by one comparison of 32 bits."""
    return b.icmp_unsigned("<", b.trunc(x, I32), b.trunc(size, I32))


def _sized(b: Any, size: Any, *conditions: Any) -> Any:
    """The bytes to be copied: ``size``, or 0 unless all conditions hold."""
    holds = functools.reduce(b.and_, conditions)
    return b.select(holds, b.trunc(size, I32), ir.Constant(I32, 0))


def _anew(b: Any, x: Any) -> Any:
    """The low 32 bits of a number, of which the compiler does not know that they never change.

    What is compared with them is then compared where it is used. Ahead of the
    loop, the comparisons of all of a thread's rows would take a register each.
    """
    return asm(b, I32, "mov.u32 $0, $1;", "=r,r", [b.trunc(x, I32)])


@functools.cache
def row_copier(passes: int, lines: int) -> Any:
    """``copy(to, source, step, size, left)``: a thread's chunk of each of ``passes`` rows, ``lines`` rows apart.

    In shared memory rows are 128 bytes apart, in global memory those of a thread
    ``step``; ``left`` rows are there, counted from the first.
    """

    @intrinsic
    def copy(tc, to, source, step, size, left):
        def emit(c, b, s, a):
            to, source, step, size, left = a
            left = _anew(b, left)
            for n in range(passes):
                there = b.icmp_unsigned("<", ir.Constant(I32, n * lines), left)
                _copy(b, b.add(to, ir.Constant(I64, n * lines * 128)), source, _sized(b, size, there))
                # one address that moves on: one for each row would take two registers each
                source = b.add(source, step)
            return c.get_dummy_value()

        return types.void(*[INT] * 5), emit

    return copy


@functools.cache
def place_copier(passes: int, lines: int) -> Any:
    """``copy(to, ahead, size, left, row0, ..)``: as ``row_copier``, ``ahead`` bytes behind addresses of their own."""

    @intrinsic
    def copy(tc, to, ahead, size, left, *rows):
        def emit(c, b, s, a):
            to, ahead, size, left = a[:4]
            left = _anew(b, left)
            for n, row in enumerate(cgutils.unpack_tuple(b, a[4])):
                there = b.icmp_unsigned("<", ir.Constant(I32, n * lines), left)
                _copy(b, b.add(to, ir.Constant(I64, n * lines * 128)), b.add(row, ahead), _sized(b, size, there))
            return c.get_dummy_value()

        return types.void(*[INT] * 4, types.StarArgTuple(rows)), emit

    return copy


@functools.cache
def window_copier(passes: int, lines: int) -> Any:
    """``copy(to, ahead, size, wanted, row0, .., taps0, ..)``: as ``place_copier``.

    Of rows whose ``taps`` have all bits of ``wanted`` (of the low 31).
    """

    @intrinsic
    def copy(tc, to, ahead, size, wanted, *rows):
        def emit(c, b, s, a):
            to, ahead, size, wanted = a[:4]
            places, bits = cgutils.unpack_tuple(b, a[4]), b.trunc(wanted, I32)
            for n in range(passes):
                there = b.icmp_unsigned("==", b.and_(b.trunc(places[passes + n], I32), bits), bits)
                source = b.add(places[n], ahead)
                _copy(b, b.add(to, ir.Constant(I64, n * lines * 128)), source, _sized(b, size, there))
            return c.get_dummy_value()

        return types.void(*[INT] * 4, types.StarArgTuple(rows)), emit

    return copy


@functools.cache
def line_copier(chunks: int) -> Any:
    """``copy(to, source, k, length, size0, ..)``: a thread's chunks of a line along rows, 128 bytes apart.

    ``size0, ..``: bytes of each chunk that are there, if place k of ``length`` is.
    """

    @intrinsic
    def copy(tc, to, source, k, length, *sizes):
        def emit(c, b, s, a):
            to, source, there = a[0], a[1], _within(b, a[2], a[3])
            for n, size in enumerate(cgutils.unpack_tuple(b, a[4])):
                far = ir.Constant(I64, n * 128)
                _copy(b, b.add(to, far), b.add(source, far), _sized(b, size, there))
            return c.get_dummy_value()

        return types.void(*[INT] * 4, types.StarArgTuple(sizes)), emit

    return copy


@functools.cache
def tap_copier(chunks: int) -> Any:
    """``copy(to, source, k, length, h, w, height, width, tap0, .., h0, .., w0, .., size0, ..)``: as ``line_copier``.

    The line is an output pixel, its window at row h, column w of a map; each
    chunk is of a tap of it, ``tap`` bytes and (h, w) further.
    """

    @intrinsic
    def copy(tc, to, source, k, length, h, w, height, width, *parts):
        def emit(c, b, s, a):
            to, source, there = a[0], a[1], _within(b, a[2], a[3])
            (h, w), (height, width) = a[4:6], a[6:8]
            values = cgutils.unpack_tuple(b, a[8])
            for n in range(chunks):
                tap, down, right, size = values[n::chunks]
                inside = _within(b, b.add(h, down), height), _within(b, b.add(w, right), width)
                place = b.add(to, ir.Constant(I64, n * 128))
                _copy(b, place, b.add(source, tap), _sized(b, size, there, *inside))
            return c.get_dummy_value()

        return types.void(*[INT] * 8, types.StarArgTuple(parts)), emit

    return copy


@functools.cache
def marker(count: int) -> Any:
    """``mark(moved, size, bit, x0, .., mask0, ..)``: the masks, with ``bit`` set where 0 <= x + moved < size."""

    @intrinsic
    def mark(tc, moved, size, bit, *values):
        found = types.UniTuple(INT, count)

        def emit(c, b, s, a):
            moved, size, bit, given = a
            parts = cgutils.unpack_tuple(b, given)
            masks = []
            for x, mask in zip(parts[:count], parts[count:], strict=True):
                here = b.zext(_within(b, b.add(x, moved), size), I64)
                masks.append(b.or_(mask, b.shl(here, bit)))
            return c.make_tuple(b, found, masks)

        return found(INT, INT, INT, types.StarArgTuple(values)), emit

    return mark


@intrinsic
def commit(tc):
    """Closes the group of this thread's copies since the last one; groups arrive in order."""

    def emit(c, b, s, a):
        asm(b, _NOTHING, "cp.async.commit_group;", "~{memory}", [])
        return c.get_dummy_value()

    return types.void(), emit


@functools.cache
def waiter(behind: int) -> Any:
    """``wait()``: until all groups of this thread have arrived but the last ``behind``.

    What other threads copied is there only after a barrier behind their waits.
    """

    @intrinsic
    def wait(tc):
        def emit(c, b, s, a):
            asm(b, _NOTHING, f"cp.async.wait_group {behind};", "~{memory}", [])
            return c.get_dummy_value()

        return types.void(), emit

    return wait
