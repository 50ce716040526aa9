"""Vectors of the emulator: the operators of ``runtime.vector.simd`` in NumPy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

KINDS = {
    "f32": np.float32,
    "f64": np.float64,
    "i32": np.int32,
    "i64": np.int64,
    "u32": np.uint32,
    "u64": np.uint64,
    "u8": np.uint8,
    "b1": np.bool_,
}

Number = Any
"""A scalar of a kernel: int, float or NumPy's."""


def scalar(kind: str, number: Number) -> Any:
    """A number as one element of a kind, cut to its width."""
    if kind in ("f32", "f64", "b1"):
        return KINDS[kind](number)
    return np.array(int(number) & ((1 << 64) - 1), np.uint64).astype(KINDS[kind])[()]


class Vector:
    """Lanes of one kind. A number that meets one is converted to its kind."""

    __slots__ = ("kind", "lanes")

    def __init__(self, kind: str, lanes: Any) -> None:
        self.kind = kind
        self.lanes: NDArray[Any] = np.asarray(lanes, KINDS[kind])

    def lift(self, other: Any) -> Any:
        """The other operand's lanes, or a number of this kind."""
        if isinstance(other, Vector):
            assert other.kind == self.kind, f"{self.kind} meets {other.kind}"
            return other.lanes
        return scalar(self.kind, other)

    def new(self, lanes: Any) -> Vector:
        """A vector of the same kind."""
        return Vector(self.kind, lanes)

    def __neg__(self) -> Vector:
        return self.new(-self.lanes)

    def __invert__(self) -> Vector:
        return self.new(~self.lanes)

    @property
    def is_float(self) -> bool:
        """True for f32 and f64."""
        return self.kind in ("f32", "f64")


def _binary(function: Callable[[Any, Any], Any], kind: str | None = None) -> tuple[Any, Any]:
    def ahead(self: Vector, other: Any) -> Vector:
        return Vector(kind or self.kind, function(self.lanes, self.lift(other)))

    def behind(self: Vector, other: Any) -> Vector:
        return Vector(kind or self.kind, function(self.lift(other), self.lanes))

    return ahead, behind


_OPERATORS = {
    "add": np.add,
    "sub": np.subtract,
    "mul": np.multiply,
    "truediv": np.divide,
    "and": np.bitwise_and,
    "or": np.bitwise_or,
    "xor": np.bitwise_xor,
    "lshift": np.left_shift,
    "rshift": np.right_shift,
}
for _name, _function in _OPERATORS.items():
    _ahead, _behind = _binary(_function)
    setattr(Vector, f"__{_name}__", _ahead)
    setattr(Vector, f"__r{_name}__", _behind)
for _name, _function in {
    "lt": np.less,
    "le": np.less_equal,
    "gt": np.greater,
    "ge": np.greater_equal,
    "eq": np.equal,
    "ne": np.not_equal,
}.items():
    setattr(Vector, f"__{_name}__", _binary(_function, "b1")[0])


def convert(v: Vector, kind: str) -> Vector:
    """By value: floats to whole numbers are cut towards 0 and saturate, NaN is 0; to b1 is ``!= 0``."""
    if kind == "b1":
        return Vector(kind, v.lanes != 0)
    if v.is_float and kind not in ("f32", "f64"):
        limits = np.iinfo(KINDS[kind])
        wide = np.trunc(np.nan_to_num(v.lanes.astype(np.float64), nan=0.0))
        inside = np.clip(wide, float(limits.min), float(limits.max))
        # float(max) may be one too many, which the cast would wrap
        lanes = np.where(wide >= float(limits.max), limits.max, inside.astype(KINDS[kind]))
        return Vector(kind, lanes)
    return Vector(kind, v.lanes.astype(KINDS[kind]))
