"""A vector type for Numba, in which every kernel of the CPU is written.

Vectorisation is not left to LLVM's luck: ``v = load(p, i)``, operators, fma,
select, masked tails, ``store(p, i, v)`` are vector instructions as written.

Addresses are int64 byte addresses, ``i`` counts elements, strides of gathers
are bytes. ``vectors(dtype, lanes)`` gives the typed functions of a kernel's
working dtype; functions that take vectors serve every type. Scalars that meet
a vector in an operator are converted to its kind.

Only kernels import this module (it imports numba); launchers never do.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numba
from llvmlite import ir
from numba import types
from numba.core.datamodel import models
from numba.core.typing.templates import AbstractTemplate, infer_global, signature
from numba.extending import intrinsic, lower_builtin, register_model

from runtime.cpu import lanes as L
from runtime.cpu import vmath
from runtime.cpu.lanes import I8, I64, Lanes

MEMORY = {"f32": "f32", "f64": "f64", "i32": "i32", "i64": "i64", "u32": "u32", "u64": "u64", "u8": "u8", "b1": "u8"}
"""Kind in which a dtype lies in memory: a bool is a byte."""

ITEM = {"f32": 4, "f64": 8, "i32": 4, "i64": 8, "u32": 4, "u64": 8, "u8": 1, "b1": 1}
SCALAR = {
    "f32": types.float32,
    "f64": types.float64,
    "i32": types.int32,
    "i64": types.int64,
    "u32": types.uint32,
    "u64": types.uint64,
    "u8": types.uint8,
    "b1": types.boolean,
}

device = functools.partial(
    numba.njit,
    error_model="numpy",
    _nrt=False,
    boundscheck=False,
    # the wrappers for Python callers would double the compile time and refer to Python
    no_cpython_wrapper=True,
    no_cfunc_wrapper=True,
    # a call that is not inlined may raise as far as LLVM knows, and raising refers to Python
    forceinline=True,
)
"""Decorator of helper functions that kernels call; each costs some 50 ms of compile time."""


class Vec(types.Type):
    """Numba's type of a vector: kind and number of lanes."""

    def __init__(self, kind: str, lanes: int) -> None:
        self.kind, self.lanes = kind, lanes
        super().__init__(name=f"{kind}x{lanes}")


@register_model(Vec)
class VecModel(models.PrimitiveModel):
    """A Vec is one LLVM vector."""

    def __init__(self, manager: Any, vec: Vec) -> None:
        super().__init__(manager, vec, L.vector_type(vec.kind, vec.lanes))


@functools.cache
def vec(kind: str, lanes: int) -> Vec:
    """The vector type of ``lanes`` elements of ``kind``."""
    return Vec(kind, lanes)


def _pointer(b: Any, address: Any, of: Any) -> Any:
    return b.inttoptr(address, of.as_pointer())


def _element(b: Any, address: Any, i: Any, memory: str) -> Any:
    return b.add(address, b.mul(i, ir.Constant(I64, ITEM[memory])))


def _lanes(b: Any, ty: Vec, value: Any) -> Lanes:
    return Lanes(b, ty.kind, value)


_INT = types.int64


# scalars: argument words and addresses


@intrinsic
def word(tc, p, i):  # type: ignore[no-untyped-def]
    """The int64 at word i."""

    def emit(c, b, s, a):  # type: ignore[no-untyped-def]
        return b.load(_pointer(b, _element(b, a[0], a[1], "i64"), I64), align=8)

    return _INT(_INT, _INT), emit


@intrinsic
def put_word(tc, p, i, v):  # type: ignore[no-untyped-def]
    """Writes the int64 v at word i."""

    def emit(c, b, s, a):  # type: ignore[no-untyped-def]
        b.store(a[2], _pointer(b, _element(b, a[0], a[1], "i64"), I64), align=8)
        return c.get_dummy_value()

    return types.void(_INT, _INT, _INT), emit


@intrinsic
def real(tc, p, i):  # type: ignore[no-untyped-def]
    """The float64 at word i (constants, the head)."""

    def emit(c, b, s, a):  # type: ignore[no-untyped-def]
        return b.load(_pointer(b, _element(b, a[0], a[1], "f64"), ir.DoubleType()), align=8)

    return types.float64(_INT, _INT), emit


def _scalar_binary(name: str, choose: Callable[[Any, Any, Any], Any], doc: str) -> Any:
    def function(tc, x, y):  # type: ignore[no-untyped-def]
        return _INT(_INT, _INT), lambda c, b, s, a: choose(b, a[0], a[1])

    function.__name__, function.__doc__ = name, doc
    return intrinsic(function)


quotient = _scalar_binary("quotient", lambda b, x, y: b.sdiv(x, y), "x / y cut towards 0 (y is not checked).")
remainder = _scalar_binary("remainder", lambda b, x, y: b.srem(x, y), "What ``quotient`` leaves.")
least = _scalar_binary("least", lambda b, x, y: b.select(b.icmp_signed("<", x, y), x, y), "The smaller int64.")
most = _scalar_binary("most", lambda b, x, y: b.select(b.icmp_signed(">", x, y), x, y), "The larger int64.")


@intrinsic
def call(tc, fn, args, first, last, thread):  # type: ignore[no-untyped-def]
    """Calls the kernel at address fn."""

    def emit(c, b, s, a):  # type: ignore[no-untyped-def]
        b.call(_pointer(b, a[0], ir.FunctionType(ir.VoidType(), [I64] * 4)), list(a[1:]))
        return c.get_dummy_value()

    return types.void(*[_INT] * 5), emit


@intrinsic
def prefetch(tc, p):  # type: ignore[no-untyped-def]
    """Asks for the cache line of byte address p."""

    def emit(c, b, s, a):  # type: ignore[no-untyped-def]
        kinds = [ir.Constant(L.I32, k) for k in (0, 3, 1)]
        L.call(b, "llvm.prefetch.p0", ir.VoidType(), _pointer(b, a[0], I8), *kinds)
        return c.get_dummy_value()

    return types.void(_INT), emit


def _scalar_value(b: Any, memory: str, kind: str, address: Any) -> Any:
    """One element of memory as a scalar of ``kind``."""
    stored = MEMORY[memory]
    one = b.load(_pointer(b, address, L.ELEMENT[stored]), align=ITEM[memory])
    single = Lanes(b, stored, b.insert_element(ir.Constant(L.vector_type(stored, 1), ir.Undefined), one, _ZERO))
    return b.extract_element(L.convert(single, kind).value, _ZERO)


_ZERO = ir.Constant(L.I32, 0)


@functools.cache
def scalar_loader(memory: str, kind: str) -> Any:
    """``read(p, i)``: element i of ``memory`` dtype as a scalar of ``kind``."""

    @intrinsic
    def read(tc, p, i):  # type: ignore[no-untyped-def]
        def emit(c, b, s, a):  # type: ignore[no-untyped-def]
            return _scalar_value(b, memory, kind, _element(b, a[0], a[1], memory))

        return SCALAR[kind](_INT, _INT), emit

    return read


@functools.cache
def scalar_storer(memory: str) -> Any:
    """``write(p, i, x)``: the scalar x as element i."""

    @intrinsic
    def write(tc, p, i, x):  # type: ignore[no-untyped-def]
        def emit(c, b, s, a):  # type: ignore[no-untyped-def]
            address = _element(b, a[0], a[1], memory)
            value = b.zext(a[2], I8) if memory == "b1" else a[2]
            b.store(value, _pointer(b, address, L.ELEMENT[MEMORY[memory]]), align=ITEM[memory])
            return c.get_dummy_value()

        return types.void(_INT, _INT, SCALAR[memory]), emit

    return write


# vectors from and to memory


@functools.cache
def loader(memory: str, kind: str, lanes: int) -> Any:
    """``load(p, i)``: elements i, i + 1, .. of ``memory`` dtype, as ``kind``."""
    stored = MEMORY[memory]

    @intrinsic
    def load(tc, p, i):  # type: ignore[no-untyped-def]
        def emit(c, b, s, a):  # type: ignore[no-untyped-def]
            where = _pointer(b, _element(b, a[0], a[1], memory), L.vector_type(stored, lanes))
            return L.convert(Lanes(b, stored, b.load(where, align=ITEM[memory])), kind).value

        return vec(kind, lanes)(_INT, _INT), emit

    return load


@functools.cache
def tail_loader(memory: str, kind: str, lanes: int) -> Any:
    """``load_tail(p, i, n)``: the first n lanes, zeros beyond; n may exceed the lanes."""
    stored = MEMORY[memory]

    @intrinsic
    def load_tail(tc, p, i, n):  # type: ignore[no-untyped-def]
        def emit(c, b, s, a):  # type: ignore[no-untyped-def]
            where = _pointer(b, _element(b, a[0], a[1], memory), L.vector_type(stored, lanes))
            return L.convert(_masked_load(b, stored, lanes, where, ITEM[memory], a[2]), kind).value

        return vec(kind, lanes)(_INT, _INT, _INT), emit

    return load_tail


def _llvm_name(kind: str) -> str:
    return kind if kind[0] == "f" else f"i{L.BITS[kind]}"


def _masked_load(b: Any, stored: str, lanes: int, where: Any, align: int, n: Any) -> Lanes:
    ty, mask = L.vector_type(stored, lanes), L.lanes_below(b, lanes, n).value
    name = f"llvm.masked.load.v{lanes}{_llvm_name(stored)}.p0"
    zero = L.constant(stored, lanes, 0)
    return Lanes(b, stored, L.call(b, name, ty, where, ir.Constant(L.I32, align), mask, zero))


def _store(memory: str, lanes: int, masked: bool) -> Callable[..., Any]:
    stored = MEMORY[memory]

    def emit(c: Any, b: Any, s: Any, a: Any) -> Any:
        value = L.convert(_lanes(b, s.args[2], a[2]), stored).value
        where = _pointer(b, _element(b, a[0], a[1], memory), value.type)
        if masked:
            mask = L.lanes_below(b, lanes, a[3]).value
            name = f"llvm.masked.store.v{lanes}{_llvm_name(stored)}.p0"
            L.call(b, name, ir.VoidType(), value, where, ir.Constant(L.I32, ITEM[memory]), mask)
        else:
            b.store(value, where, align=ITEM[memory])
        return c.get_dummy_value()

    return emit


@functools.cache
def storer(memory: str, lanes: int) -> Any:
    """``store(p, i, v)``: v's lanes as elements i, i + 1, .. of ``memory`` dtype."""

    @intrinsic
    def store(tc, p, i, v):  # type: ignore[no-untyped-def]
        return types.void(_INT, _INT, v), _store(memory, lanes, False)

    return store


@functools.cache
def tail_storer(memory: str, lanes: int) -> Any:
    """``store_tail(p, i, v, n)``: the first n lanes alone."""

    @intrinsic
    def store_tail(tc, p, i, v, n):  # type: ignore[no-untyped-def]
        return types.void(_INT, _INT, v, _INT), _store(memory, lanes, True)

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
    def gather(tc, p, stride, n):  # type: ignore[no-untyped-def]
        def emit(c, b, s, a):  # type: ignore[no-untyped-def]
            if ITEM[memory] == 1:
                return L.convert(_gather_bytes(b, lanes, a), kind).value
            pointers = _addresses(b, lanes, a[0], a[1], L.ELEMENT[stored])
            mask = L.lanes_below(b, lanes, a[2]).value
            name = f"llvm.masked.gather.v{lanes}{_llvm_name(stored)}.v{lanes}p0"
            align, zero = ir.Constant(L.I32, ITEM[memory]), L.constant(stored, lanes, 0)
            value = L.call(b, name, L.vector_type(stored, lanes), pointers, align, mask, zero)
            return L.convert(Lanes(b, stored, value), kind).value

        return vec(kind, lanes)(_INT, _INT, _INT), emit

    return gather


def _gather_bytes(b: Any, lanes: int, a: Any) -> Lanes:
    """Lane by lane, indices clamped to n - 1: there is no gather of bytes."""
    last, value = b.sub(a[2], ir.Constant(I64, 1)), L.constant("u8", lanes, 0)
    for k in range(lanes):
        at = ir.Constant(I64, k)
        at = b.select(b.icmp_signed("<", at, last), at, last)
        byte = b.load(_pointer(b, b.add(a[0], b.mul(at, a[1])), I8), align=1)
        value = b.insert_element(value, byte, ir.Constant(L.I32, k))
    return Lanes(b, "u8", value)


@functools.cache
def scatterer(memory: str, lanes: int) -> Any:
    """``scatter(p, stride, v, n)``: the first n lanes to p, p + stride bytes, .."""
    stored = MEMORY[memory]

    @intrinsic
    def scatter(tc, p, stride, v, n):  # type: ignore[no-untyped-def]
        def emit(c, b, s, a):  # type: ignore[no-untyped-def]
            value = L.convert(_lanes(b, s.args[2], a[2]), stored).value
            pointers = _addresses(b, lanes, a[0], a[1], L.ELEMENT[stored])
            mask = L.lanes_below(b, lanes, a[3]).value
            name = f"llvm.masked.scatter.v{lanes}{_llvm_name(stored)}.v{lanes}p0"
            L.call(b, name, ir.VoidType(), value, pointers, ir.Constant(L.I32, ITEM[memory]), mask)
            return c.get_dummy_value()

        return types.void(_INT, _INT, v, _INT), emit

    return scatter


@functools.cache
def broadcaster(memory: str, kind: str, lanes: int) -> Any:
    """``broadcast(p)``: the element at p in every lane."""

    @intrinsic
    def broadcast(tc, p):  # type: ignore[no-untyped-def]
        def emit(c, b, s, a):  # type: ignore[no-untyped-def]
            return L.splat(b, kind, lanes, _scalar_value(b, memory, kind, a[0])).value

        return vec(kind, lanes)(_INT), emit

    return broadcast


_CONVERT_TO = {"f32": types.float64, "f64": types.float64}


def _scalar_to(b: Any, kind: str, lanes: int, value: Any) -> Lanes:
    """A float64 or int64 scalar in every lane of ``kind``."""
    if kind == "f32":
        value = b.fptrunc(value, L.ELEMENT["f32"])
    elif kind == "b1":
        value = b.icmp_signed("!=", value, ir.Constant(I64, 0))
    elif kind not in ("f64", "i64", "u64"):
        value = b.trunc(value, L.ELEMENT[kind])
    return L.splat(b, kind, lanes, value)


@functools.cache
def splatter(kind: str, lanes: int) -> Any:
    """``splat(x)``: the number x in every lane."""

    @intrinsic
    def splat(tc, x):  # type: ignore[no-untyped-def]
        source = _CONVERT_TO.get(kind, _INT)
        return vec(kind, lanes)(source), lambda c, b, s, a: _scalar_to(b, kind, lanes, a[0]).value

    return splat


@functools.cache
def ramp(kind: str, lanes: int) -> Any:
    """``ramp(start, step)``: start, start + step, .. (int64 arguments)."""

    @intrinsic
    def arange(tc, start, step):  # type: ignore[no-untyped-def]
        def emit(c, b, s, a):  # type: ignore[no-untyped-def]
            first = L.splat(b, "i64", lanes, a[0])
            value = first + L.numbered(b, "i64", lanes) * L.splat(b, "i64", lanes, a[1])
            return L.convert(value, kind).value

        return vec(kind, lanes)(_INT, _INT), emit

    return arange


@functools.cache
def mask_below(lanes: int) -> Any:
    """``below(n)``: mask of the first n lanes."""

    @intrinsic
    def below(tc, n):  # type: ignore[no-untyped-def]
        return vec("b1", lanes)(_INT), lambda c, b, s, a: L.lanes_below(b, lanes, a[0]).value

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


# operators


def _number_type(v: Vec) -> Any:
    return _CONVERT_TO.get(v.kind, _INT)


def _operand_types(args: Any) -> tuple[Vec, Any, Any] | None:
    x, y = args
    if isinstance(x, Vec):
        if isinstance(y, Vec):
            return (x, x, y) if x == y else None
        return (x, x, _number_type(x)) if isinstance(y, types.Number) else None
    return (y, _number_type(y), y) if isinstance(y, Vec) and isinstance(x, types.Number) else None


def _binary(op: Any, emit: Callable[[Lanes, Lanes], Lanes], compares: bool = False) -> None:
    @infer_global(op)
    class Binary(AbstractTemplate):
        """Types ``vector op vector`` and ``vector op number``."""

        def generic(self, args, kws):  # type: ignore[no-untyped-def]
            found = _operand_types(args) if len(args) == 2 else None
            if found is None:
                return None
            v, x, y = found
            return signature(vec("b1", v.lanes) if compares else v, x, y)

    def lower(c, b, s, a):  # type: ignore[no-untyped-def]
        v = s.args[0] if isinstance(s.args[0], Vec) else s.args[1]
        pair = [
            _lanes(b, t, x) if isinstance(t, Vec) else _scalar_to(b, v.kind, v.lanes, x)
            for t, x in zip(s.args, a, strict=True)
        ]
        return emit(pair[0], pair[1]).value

    for x, y in ((Vec, Vec), (Vec, types.Number), (types.Number, Vec)):
        lower_builtin(op, x, y)(lower)


_binary(operator.add, lambda x, y: x + y)
_binary(operator.sub, lambda x, y: x - y)
_binary(operator.mul, lambda x, y: x * y)
_binary(operator.truediv, lambda x, y: x / y)
_binary(operator.and_, lambda x, y: x & y)
_binary(operator.or_, lambda x, y: x | y)
_binary(operator.xor, lambda x, y: x ^ y)
_binary(operator.lshift, lambda x, y: x << y)
_binary(operator.rshift, lambda x, y: x >> y)
_binary(operator.lt, lambda x, y: x < y, True)
_binary(operator.le, lambda x, y: x <= y, True)
_binary(operator.gt, lambda x, y: x > y, True)
_binary(operator.ge, lambda x, y: x >= y, True)
_binary(operator.eq, lambda x, y: x.equals(y), True)
_binary(operator.ne, lambda x, y: x.differs(y), True)


def _unary(op: Any, emit: Callable[[Lanes], Lanes]) -> None:
    @infer_global(op)
    class Unary(AbstractTemplate):
        """Types ``op vector``."""

        def generic(self, args, kws):  # type: ignore[no-untyped-def]
            return signature(args[0], args[0]) if len(args) == 1 and isinstance(args[0], Vec) else None

    lower_builtin(op, Vec)(lambda c, b, s, a: emit(_lanes(b, s.args[0], a[0])).value)


_unary(operator.neg, lambda x: -x)
_unary(operator.invert, lambda x: ~x)


# functions of vectors


def _function(name: str, emit: Callable[..., Lanes], arity: int, doc: str) -> Any:
    """An intrinsic of ``arity`` vectors of one type; answers that type, or a mask."""

    def typed(args: tuple[Any, ...]) -> Any:
        first = next(t for t in args if isinstance(t, Vec))
        kinds = [t if isinstance(t, Vec) else _number_type(first) for t in args]
        mask = vec("b1", first.lanes)
        result = mask if name == "isfinite" else first

        def codegen(c, b, s, a):  # type: ignore[no-untyped-def]
            values = [
                _lanes(b, t, x) if isinstance(t, Vec) else _scalar_to(b, first.kind, first.lanes, x)
                for t, x in zip(s.args, a, strict=True)
            ]
            return emit(*values).value

        return signature(result, *kinds), codegen

    if arity == 1:

        def function(tc, x):  # type: ignore[no-untyped-def]
            return typed((x,))

    elif arity == 2:

        def function(tc, x, y):  # type: ignore[no-untyped-def]
            return typed((x, y))

    else:

        def function(tc, x, y, z):  # type: ignore[no-untyped-def]
            return typed((x, y, z))

    function.__name__, function.__doc__ = name, doc
    return intrinsic(function)


fma = _function("fma", L.fma, 3, "x * y + z, rounded once.")
maximum = _function("maximum", L.maximum, 2, "The larger; NaN where either is NaN.")
minimum = _function("minimum", L.minimum, 2, "The smaller; NaN where either is NaN.")
sqrt = _function("sqrt", L.sqrt, 1, "Square root.")
absolute = _function("absolute", L.absolute, 1, "|x|.")
floor = _function("floor", L.floor, 1, "The largest whole number not above x.")
sign = _function("sign", L.sign, 1, "-1, 0 or 1.")
isfinite = _function("isfinite", L.isfinite, 1, "Mask of finite lanes.")
exp = _function("exp", vmath.exp, 1, "e to the x.")
log = _function("log", vmath.log, 1, "Natural logarithm.")
tanh = _function("tanh", vmath.tanh, 1, "Hyperbolic tangent.")
sigmoid = _function("sigmoid", vmath.sigmoid, 1, "1 / (1 + exp(-x)).")
sin = _function("sin", vmath.sin, 1, "Sine.")
cos = _function("cos", vmath.cos, 1, "Cosine.")
power = _function("power", vmath.power, 2, "x to the y.")
rsqrt = _function("rsqrt", lambda x: 1.0 / L.sqrt(x), 1, "1 / sqrt(x), by a true division.")


@intrinsic
def select(tc, mask, x, y):  # type: ignore[no-untyped-def]
    """X where the mask is set, else y; one of x and y may be a number."""
    v = x if isinstance(x, Vec) else y
    tx, ty = (t if isinstance(t, Vec) else _number_type(v) for t in (x, y))

    def emit(c, b, s, a):  # type: ignore[no-untyped-def]
        xs, ys = (
            _lanes(b, v, value) if isinstance(t, Vec) else _scalar_to(b, v.kind, v.lanes, value)
            for t, value in zip(s.args[1:], a[1:], strict=True)
        )
        return L.select(_lanes(b, mask, a[0]), xs, ys).value

    return v(mask, tx, ty), emit


@functools.cache
def converter(kind: str) -> Any:
    """``convert(v)``: v by value as another kind."""

    @intrinsic
    def convert(tc, v):  # type: ignore[no-untyped-def]
        return vec(kind, v.lanes)(v), lambda c, b, s, a: L.convert(_lanes(b, v, a[0]), kind).value

    return convert


def _fold(name: str, combine: Callable[[Lanes, Lanes], Lanes], doc: str) -> Any:
    def function(tc, v):  # type: ignore[no-untyped-def]
        return SCALAR[v.kind](v), lambda c, b, s, a: L.fold(_lanes(b, v, a[0]).exact(), combine)

    function.__name__, function.__doc__ = name, doc
    return intrinsic(function)


hsum = _fold("hsum", lambda x, y: x + y, "The sum of the lanes, pairwise in a fixed order.")
hmax = _fold("hmax", L.maximum, "The largest lane, NaN if any is.")
hmin = _fold("hmin", L.minimum, "The smallest lane, NaN if any is.")


@intrinsic
def any_lane(tc, mask):  # type: ignore[no-untyped-def]
    """True if any lane of a mask is set."""

    def emit(c, b, s, a):  # type: ignore[no-untyped-def]
        whole = b.bitcast(a[0], ir.IntType(mask.lanes))
        return b.icmp_unsigned("!=", whole, ir.Constant(whole.type, 0))

    return types.boolean(mask), emit
