"""Functions of vectors and numbers under the names of ``runtime.vector.simd``; none of them touches memory."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from runtime.cuda.emulator.values import KINDS, Vector, convert, scalar


def _exact(function: Callable[..., Any]) -> Callable[..., Vector]:
    """An operation in the vectors' own precision."""

    def apply(*args: Any) -> Vector:
        first = next(a for a in args if isinstance(a, Vector))
        return first.new(function(*(first.lift(a) for a in args)))

    return apply


def _wide(function: Callable[..., Any]) -> Callable[..., Vector]:
    """A function computed in float64 and rounded once: kernels come within 2 ulp of it."""

    def apply(*args: Any) -> Vector:
        first = next(a for a in args if isinstance(a, Vector))
        values = [np.asarray(first.lift(a), np.float64) for a in args]
        return first.new(np.asarray(function(*values)).astype(KINDS[first.kind]))

    return apply


def fma(x: Any, y: Any, z: Any) -> Vector:
    """X * y + z; of float32 rounded once, but for the double rounding of float64."""
    first = next(a for a in (x, y, z) if isinstance(a, Vector))
    a, b, c = (np.asarray(first.lift(v)) for v in (x, y, z))
    if first.kind == "f32":
        return first.new((a.astype(np.float64) * b + c).astype(np.float32))
    return first.new(a * b + c)


def select(mask: Vector, x: Any, y: Any) -> Vector:
    """X where the mask is set, else y."""
    first = x if isinstance(x, Vector) else y
    return first.new(np.where(mask.lanes, first.lift(x), first.lift(y)))


def _choose(pick: Callable[[Any, Any], Any]) -> Callable[..., Vector]:
    def apply(x: Any, y: Any) -> Vector:
        first = x if isinstance(x, Vector) else y
        a, b = np.broadcast_arrays(first.lift(x), first.lift(y))
        chosen = np.where(pick(a, b), a, b)
        return first.new(np.where(np.isnan(a), a, chosen) if first.is_float else chosen)

    return apply


def isfinite(x: Vector) -> Vector:
    """Mask of finite lanes."""
    return Vector("b1", np.isfinite(x.lanes))


def any_lane(mask: Vector) -> bool:
    """True if any lane of a mask is set."""
    return bool(mask.lanes.any())


def _folded(combine: Callable[[Any, Any], Any]) -> Callable[[Vector], Any]:
    """The lanes combined pairwise in the order of ``lanes.fold``."""

    def apply(v: Vector) -> Any:
        lanes = v.lanes
        while len(lanes) > 1:
            half = len(lanes) // 2
            lanes = combine(lanes[:half], lanes[half:])
        return lanes[0]

    return apply


def converter(kind: str) -> Callable[[Vector], Vector]:
    """``convert(v)``: v by value as another kind."""
    return lambda v: convert(v, kind)


def splatter(kind: str, lanes: int) -> Callable[[Any], Vector]:
    """``splat(x)``: the number x in every lane."""
    return lambda x: Vector(kind, np.full(lanes, scalar(kind, x)))


def ramp(kind: str, lanes: int) -> Callable[[int, int], Vector]:
    """``ramp(start, step)``: start, start + step, .."""
    return lambda start, step: convert(Vector("i64", start + step * np.arange(lanes)), kind)


def mask_below(lanes: int) -> Callable[[int], Vector]:
    """``below(n)``: mask of the first n lanes."""
    return lambda n: Vector("b1", np.arange(lanes) < n)


def quotient(x: int, y: int) -> int:
    """X / y cut towards 0."""
    return int(abs(x) // abs(y)) * (1 if (x < 0) == (y < 0) else -1)


def cut(v: Any) -> int:
    """The floating v without its fraction; 0 for NaN."""
    return int(convert(Vector("f64", [v]), "i64").lanes[0])


FUNCTIONS: dict[str, Any] = {
    "add": _exact(np.add),
    "sub": _exact(np.subtract),
    "mul": _exact(np.multiply),
    "sqrt": _exact(np.sqrt),
    "rsqrt": _exact(lambda x: type(x.flat[0])(1) / np.sqrt(x)),
    "absolute": _exact(np.abs),
    "floor": _exact(np.floor),
    "sign": _exact(np.sign),
    "maximum": _choose(lambda x, y: x > y),
    "minimum": _choose(lambda x, y: x < y),
    "exp": _wide(np.exp),
    "log": _wide(np.log),
    "tanh": _wide(np.tanh),
    "sigmoid": _wide(lambda x: 1 / (1 + np.exp(-x))),
    "erf": _wide(np.vectorize(math.erf, otypes=[float])),
    "sin": _wide(np.sin),
    "cos": _wide(np.cos),
    "power": _wide(np.power),
    "fma": fma,
    "select": select,
    "isfinite": isfinite,
    "any_lane": any_lane,
    "hsum": _folded(np.add),
    "hmax": _folded(np.maximum),
    "hmin": _folded(np.minimum),
    "converter": converter,
    "splatter": splatter,
    "ramp": ramp,
    "mask_below": mask_below,
    "quotient": quotient,
    "remainder": lambda x, y: x - quotient(x, y) * y,
    "least": min,
    "most": max,
    "cut": cut,
    "device": lambda function: function,
}
"""By the name that kernels import from ``runtime.vector.simd``."""
