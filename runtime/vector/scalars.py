"""Argument words, addresses and whole numbers of kernels.

Addresses are int64 byte addresses. Kernels import these through
``runtime.vector.simd``.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from runtime.vector import lanes as L
from runtime.vector.lanes import I64
from runtime.vector.vectype import INT, element_address, emit_prefetch, pointer


def _held(p: Any) -> bool:
    """Whether argument words come as a tuple (CUDA, where they are parameters), not by address."""
    return isinstance(p, types.UniTuple)


def _argument(b: Any, args: Any, k: int) -> Any:
    """Word k of the arguments, given by address or as a tuple."""
    if isinstance(args.type, ir.ArrayType):
        return b.extract_value(args, k)
    return b.load(pointer(b, b.add(args, ir.Constant(I64, 8 * k)), I64), align=8)


@intrinsic
def word(tc, p, i):
    """The int64 at word i; of a tuple, i is a literal."""
    if _held(p):
        known = _literals(i)
        return known and (INT(p, i), lambda c, b, s, a: _argument(b, a[0], known[0]))

    def emit(c, b, s, a):
        return b.load(pointer(b, element_address(b, a[0], a[1], "i64"), I64), align=8)

    return INT(INT, INT), emit


@intrinsic
def put_word(tc, p, i, v):
    """Writes the int64 v at word i."""

    def emit(c, b, s, a):
        b.store(a[2], pointer(b, element_address(b, a[0], a[1], "i64"), I64), align=8)
        return c.get_dummy_value()

    return types.void(INT, INT, INT), emit


@intrinsic
def real(tc, p, i):
    """The float64 at word i (constants, the head); of a tuple, i is a literal."""
    if _held(p):
        known = _literals(i)
        return known and (
            types.float64(p, i),
            lambda c, b, s, a: b.bitcast(_argument(b, a[0], known[0]), ir.DoubleType()),
        )

    def emit(c, b, s, a):
        return b.load(pointer(b, element_address(b, a[0], a[1], "f64"), ir.DoubleType()), align=8)

    return types.float64(INT, INT), emit


@intrinsic
def whole(tc, p, i):
    """The float64 at word i (a whole number) as int64."""

    def emit(c, b, s, a):
        value = b.load(pointer(b, element_address(b, a[0], a[1], "f64"), ir.DoubleType()), align=8)
        return L.to_whole(b, value, I64, "f64")

    return INT(INT, INT), emit


@intrinsic
def cut(tc, v):
    """The floating v without its fraction, as int64; 0 for NaN. A plain ``int(v)`` in a kernel refers to Python."""
    if not isinstance(v, types.Float):
        return None
    return INT(v), lambda c, b, s, a: L.to_whole(b, a[0], I64, f"f{v.bitwidth}")


def _scalar_binary(name: str, choose: Callable[[Any, Any, Any], Any], doc: str) -> Any:
    def function(tc, x, y):
        return INT(INT, INT), lambda c, b, s, a: choose(b, a[0], a[1])

    function.__name__, function.__doc__ = name, doc
    return intrinsic(function)


quotient = _scalar_binary("quotient", lambda b, x, y: b.sdiv(x, y), "x / y cut towards 0 (y is not checked).")
remainder = _scalar_binary("remainder", lambda b, x, y: b.srem(x, y), "What ``quotient`` leaves.")
least = _scalar_binary("least", lambda b, x, y: b.select(b.icmp_signed("<", x, y), x, y), "The smaller int64.")
most = _scalar_binary("most", lambda b, x, y: b.select(b.icmp_signed(">", x, y), x, y), "The larger int64.")


def _split(b: Any, args: Any, divisor: int, value: Any) -> tuple[Any, Any]:
    """Quotient and rest by the divisor whose size, factor and shift are at word ``divisor``."""
    size, factor, shift = (_argument(b, args, divisor + k) for k in range(3))
    found = b.lshr(b.mul(value, factor), shift)
    return found, b.sub(value, b.mul(found, size))


def _literals(*found: Any) -> list[int] | None:
    return [t.literal_value for t in found] if all(isinstance(t, types.IntegerLiteral) for t in found) else None


@intrinsic
def over(tc, args, divisor, x):
    """X divided by the divisor at a word (``emit.Source.divisor``), 0 <= x < 2^31."""
    known = _literals(divisor)
    if known is None:
        return None
    return INT(args, divisor, INT), lambda c, b, s, a: _split(b, a[0], known[0], a[2])[0]


@intrinsic
def rest(tc, args, divisor, x):
    """What ``over`` leaves."""
    known = _literals(divisor)
    if known is None:
        return None
    return INT(args, divisor, INT), lambda c, b, s, a: _split(b, a[0], known[0], a[2])[1]


@functools.cache
def placer(depth: int) -> Any:
    """``place(args, start, strides, divisors, position)``: an address at a position of ``depth`` dimensions.

    ``start`` plus the sum of coordinate x stride; the strides lie from word
    ``strides``, the dimensions' divisors from word ``divisors``. One function
    instead of a line for every product: numba's time grows with the lines, and
    LLVM finds the divisions that several streams share.
    """

    @intrinsic
    def place(tc, args, start, strides, divisors, position):
        known = _literals(strides, divisors)
        if known is None:
            return None

        def emit(c, b, s, a):
            total, left = a[1], a[4]
            for d in range(depth - 1, -1, -1):
                here = left
                if d:
                    left, here = _split(b, a[0], known[1] + 3 * d, left)
                total = b.add(total, b.mul(here, _argument(b, a[0], known[0] + d)))
            return total

        return INT(args, INT, strides, divisors, INT), emit

    return place


@intrinsic
def call(tc, fn, args, first, last, thread):
    """Calls the kernel at address fn."""

    def emit(c, b, s, a):
        b.call(pointer(b, a[0], ir.FunctionType(ir.VoidType(), [I64] * 4)), list(a[1:]))
        return c.get_dummy_value()

    return types.void(*[INT] * 5), emit


def _prefetcher(write: int, doc: str, near: int = 3) -> Any:
    def function(tc, p):
        def emit(c, b, s, a):
            emit_prefetch(b, a[0], write, near)
            return c.get_dummy_value()

        return types.void(INT), emit

    function.__doc__ = doc
    return intrinsic(function)


def _run_prefetcher(write: int, doc: str) -> Any:
    def function(tc, p, count):
        known = _literals(count)
        if known is None:
            return None

        def emit(c, b, s, a):
            for k in range(known[0]):
                emit_prefetch(b, b.add(a[0], ir.Constant(I64, 64 * k)), write)
            return c.get_dummy_value()

        return types.void(INT, count), emit

    function.__doc__ = doc
    return intrinsic(function)


prefetch = _prefetcher(0, "Asks for the cache line of byte address p.")
prefetch_far = _prefetcher(0, "Asks for the cache line of byte address p, as far as the second-level cache.", 2)
prefetch_write = _prefetcher(1, "Asks for the cache line of byte address p to write to it.")
prefetch_run = _run_prefetcher(0, "Asks for ``count`` (a literal) cache lines of 64 bytes from byte address p on.")
prefetch_run_write = _run_prefetcher(1, "As ``prefetch_run``, to write to them.")
