"""A vector type for Numba, in which every kernel of the CPU is written.

Vectorisation is not left to LLVM's luck: ``v = load(p, i)``, operators, fma,
select, masked tails, ``store(p, i, v)`` are vector instructions as written.
``vectors(dtype, lanes)`` gives the typed functions of a kernel's working dtype;
functions that take vectors serve every type. A scalar that meets a vector in an
operator is converted to its kind.

Only kernels import this module (it imports numba); launchers never do.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable
from typing import Any

import numba
from llvmlite import ir
from numba import types
from numba.core.typing.templates import AbstractTemplate, infer_global, signature
from numba.extending import intrinsic, lower_builtin

from runtime.vector import lanes as L
from runtime.vector import vmath
from runtime.vector.access import *  # noqa: F403  (kernels import one module)
from runtime.vector.lanes import Lanes
from runtime.vector.scalars import *  # noqa: F403
from runtime.vector.vectype import SCALAR, Vec, lanes_of, number_type, scalar_to, vec

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


# operators


def _operand_types(args: Any) -> tuple[Vec, Any, Any] | None:
    x, y = args
    if isinstance(x, Vec):
        if isinstance(y, Vec):
            return (x, x, y) if x == y else None
        return (x, x, number_type(x.kind)) if isinstance(y, types.Number) else None
    return (y, number_type(y.kind), y) if isinstance(y, Vec) and isinstance(x, types.Number) else None


def _binary(op: Any, emit: Callable[[Lanes, Lanes], Lanes], compares: bool = False) -> None:
    @infer_global(op)
    class Binary(AbstractTemplate):
        """Types ``vector op vector`` and ``vector op number``."""

        def generic(self, args, kws):
            found = _operand_types(args) if len(args) == 2 else None
            if found is None:
                return None
            v, x, y = found
            return signature(vec("b1", v.lanes) if compares else v, x, y)

    def lower(c, b, s, a):
        v = s.args[0] if isinstance(s.args[0], Vec) else s.args[1]
        pair = [
            lanes_of(b, t, x) if isinstance(t, Vec) else scalar_to(b, v.kind, v.lanes, x)
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

        def generic(self, args, kws):
            return signature(args[0], args[0]) if len(args) == 1 and isinstance(args[0], Vec) else None

    lower_builtin(op, Vec)(lambda c, b, s, a: emit(lanes_of(b, s.args[0], a[0])).value)


_unary(operator.neg, lambda x: -x)
_unary(operator.invert, lambda x: ~x)


# functions of vectors


def _function(name: str, emit: Callable[..., Lanes], arity: int, doc: str) -> Any:
    """An intrinsic of ``arity`` vectors of one type; answers that type, or a mask."""

    def typed(args: tuple[Any, ...]) -> Any:
        first = next(t for t in args if isinstance(t, Vec))
        kinds = [t if isinstance(t, Vec) else number_type(first.kind) for t in args]
        mask = vec("b1", first.lanes)
        result = mask if name == "isfinite" else first

        def codegen(c, b, s, a):
            values = [
                lanes_of(b, t, x) if isinstance(t, Vec) else scalar_to(b, first.kind, first.lanes, x)
                for t, x in zip(s.args, a, strict=True)
            ]
            return emit(*values).value

        return signature(result, *kinds), codegen

    if arity == 1:

        def function(tc, x):
            return typed((x,))

    elif arity == 2:

        def function(tc, x, y):
            return typed((x, y))

    else:

        def function(tc, x, y, z):
            return typed((x, y, z))

    function.__name__, function.__doc__ = name, doc
    return intrinsic(function)


add = _function("add", lambda x, y: x.exact() + y, 2, "x + y, never contracted or reordered.")
sub = _function("sub", lambda x, y: x.exact() - y, 2, "x - y, never contracted or reordered.")
mul = _function("mul", lambda x, y: x.exact() * y, 2, "x * y, never contracted or reordered.")
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
erf = _function("erf", vmath.erf, 1, "Error function.")
sin = _function("sin", vmath.sin, 1, "Sine.")
cos = _function("cos", vmath.cos, 1, "Cosine.")
power = _function("power", vmath.power, 2, "x to the y.")
rsqrt = _function("rsqrt", lambda x: 1.0 / L.sqrt(x), 1, "1 / sqrt(x), by a true division.")


@intrinsic
def select(tc, mask, x, y):
    """X where the mask is set, else y; one of x and y may be a number."""
    v = x if isinstance(x, Vec) else y
    tx, ty = (t if isinstance(t, Vec) else number_type(v.kind) for t in (x, y))

    def emit(c, b, s, a):
        xs, ys = (
            lanes_of(b, v, value) if isinstance(t, Vec) else scalar_to(b, v.kind, v.lanes, value)
            for t, value in zip(s.args[1:], a[1:], strict=True)
        )
        return L.select(lanes_of(b, mask, a[0]), xs, ys).value

    return v(mask, tx, ty), emit


@functools.cache
def converter(kind: str) -> Any:
    """``convert(v)``: v by value as another kind."""

    @intrinsic
    def convert(tc, v):
        return vec(kind, v.lanes)(v), lambda c, b, s, a: L.convert(lanes_of(b, v, a[0]), kind).value

    return convert


def _fold(name: str, combine: Callable[[Lanes, Lanes], Lanes], doc: str) -> Any:
    def function(tc, v):
        return SCALAR[v.kind](v), lambda c, b, s, a: L.fold(lanes_of(b, v, a[0]).exact(), combine)

    function.__name__, function.__doc__ = name, doc
    return intrinsic(function)


hsum = _fold("hsum", lambda x, y: x + y, "The sum of the lanes, pairwise in a fixed order.")
hmax = _fold("hmax", L.maximum, "The largest lane, NaN if any is.")
hmin = _fold("hmin", L.minimum, "The smallest lane, NaN if any is.")


@intrinsic
def any_lane(tc, mask):
    """True if any lane of a mask is set."""

    def emit(c, b, s, a):
        whole = b.bitcast(a[0], ir.IntType(mask.lanes))
        return b.icmp_unsigned("!=", whole, ir.Constant(whole.type, 0))

    return types.boolean(mask), emit
