"""What the plan walker needs beyond vectors: atomic words, futex, pause, clock, the rounding mode's register."""

from __future__ import annotations

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from runtime.vector.lanes import I32, I64, call

_INT = types.int64
_FUTEX, _WAIT, _WAKE = 202, 128, 129  # the system call of x86-64, FUTEX_WAIT and FUTEX_WAKE, both private


def _at(b, address, of=I64):
    return b.inttoptr(address, of.as_pointer())


def _external(b, name, result, *arguments, var_arg=False):
    found = b.module.globals.get(name)
    return found or ir.Function(b.module, ir.FunctionType(result, list(arguments), var_arg=var_arg), name)


@intrinsic
def fetch_add(tc, address, v):
    """Adds v to the word, answers what was there."""
    return _INT(_INT, _INT), lambda c, b, s, a: b.atomic_rmw("add", _at(b, a[0]), a[1], "seq_cst")


@intrinsic
def load_word(tc, address):
    """The word, sequentially consistent."""
    return _INT(_INT), lambda c, b, s, a: b.load_atomic(_at(b, a[0]), "seq_cst", 8)


@intrinsic
def store_word(tc, address, v):
    """Writes the word, sequentially consistent."""

    def emit(c, b, s, a):
        b.store_atomic(a[1], _at(b, a[0]), "seq_cst", 8)
        return c.get_dummy_value()

    return types.void(_INT, _INT), emit


def _futex(operation, doc):
    def futex(tc, address, value):
        def emit(c, b, s, a):
            zero = ir.Constant(I64, 0)
            syscall = _external(b, "syscall", I64, I64, var_arg=True)
            b.call(syscall, [ir.Constant(I64, _FUTEX), a[0], ir.Constant(I64, operation), a[1], zero, zero, zero])
            return c.get_dummy_value()

        return types.void(_INT, _INT), emit

    futex.__doc__ = doc
    return intrinsic(futex)


futex_wait = _futex(_WAIT, "Sleeps while the low half of the word equals value.")
futex_wake = _futex(_WAKE, "Wakes up to value sleepers.")


@intrinsic
def doze(tc):
    """Sleeps 50 us, where there is no futex."""

    def emit(c, b, s, a):
        b.call(_external(b, "usleep", I32, I32), [ir.Constant(I32, 50)])
        return c.get_dummy_value()

    return types.void(), emit


@intrinsic
def pause(tc):
    """Tells an x86 core that it spins."""

    def emit(c, b, s, a):
        call(b, "llvm.x86.sse2.pause", ir.VoidType())
        return c.get_dummy_value()

    return types.void(), emit


@intrinsic
def ticks(tc):
    """The time-stamp counter of an x86 core."""
    return _INT(), lambda c, b, s, a: call(b, "llvm.readcyclecounter", I64)


@intrinsic
def nanoseconds(tc, clock):
    """The POSIX clock of this number, in ns."""

    def emit(c, b, s, a):
        pair = ir.ArrayType(I64, 2)
        room = b.alloca(pair)
        b.call(_external(b, "clock_gettime", I32, I32, pair.as_pointer()), [b.trunc(a[0], I32), room])
        seconds, rest = (b.extract_value(b.load(room), k) for k in (0, 1))
        return b.add(b.mul(seconds, ir.Constant(I64, 1_000_000_000)), rest)

    return _INT(_INT), emit


@intrinsic
def float_control(tc):
    """The MXCSR register of an x86 core."""

    def emit(c, b, s, a):
        room = b.alloca(I32)
        call(b, "llvm.x86.sse.stmxcsr", ir.VoidType(), room)
        return b.zext(b.load(room), I64)

    return _INT(), emit


@intrinsic
def set_float_control(tc, value):
    """Writes the MXCSR register."""

    def emit(c, b, s, a):
        room = b.alloca(I32)
        b.store(b.trunc(a[0], I32), room)
        call(b, "llvm.x86.sse.ldmxcsr", ir.VoidType(), room)
        return c.get_dummy_value()

    return types.void(_INT), emit
