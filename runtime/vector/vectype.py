"""Numba's type of a vector, and how dtypes lie in memory and in scalars."""

from __future__ import annotations

import functools
from typing import Any

from llvmlite import ir
from numba import types
from numba.core.datamodel import models
from numba.extending import register_model

from runtime.vector import lanes as L
from runtime.vector.lanes import I64, Lanes

MEMORY = {"f32": "f32", "f64": "f64", "i32": "i32", "i64": "i64", "u32": "u32", "u64": "u64", "u8": "u8", "b1": "u8"}
"""Kind in which a dtype lies in memory: a bool is a byte."""

ITEM_BYTES = {"f32": 4, "f64": 8, "i32": 4, "i64": 8, "u32": 4, "u64": 8, "u8": 1, "b1": 1}
"""Bytes an element. Not ``runtime.plan``'s table: kernels are compiled anew whenever a module they import changes."""

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


GLOBAL = 1
"""NVVM's address space of what all threads of a grid see."""

INT = types.int64
"""The type of addresses, indices and words."""


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


def pointer(b: Any, address: Any, of: Any) -> Any:
    """An address as LLVM's pointer to ``of``; on a GPU to global memory, whose loads are cheaper than generic ones."""
    return b.inttoptr(address, of.as_pointer(GLOBAL if L.on_gpu(b) else 0))


def emit_prefetch(b: Any, address: Any, write: int = 0, near: int = 3) -> None:
    """Asks for the cache line of an address; ``write``: 1 to write to it; ``near``: 3 for the first-level cache."""
    kinds = [ir.Constant(L.I32, k) for k in (write, near, 1)]
    L.call(b, "llvm.prefetch.p0", ir.VoidType(), pointer(b, address, L.I8), *kinds)


def element_address(b: Any, address: Any, i: Any, memory: str) -> Any:
    """The address of element i of a dtype."""
    return b.add(address, b.mul(i, ir.Constant(I64, ITEM_BYTES[memory])))


def lanes_of(b: Any, ty: Vec, value: Any) -> Lanes:
    """A value of a vector type as Lanes."""
    return Lanes(b, ty.kind, value)


def number_type(kind: str) -> Any:
    """The scalar type that a number must have to become lanes of ``kind``: float64 or int64."""
    return types.float64 if kind in ("f32", "f64") else INT


def scalar_to(b: Any, kind: str, lanes: int, value: Any) -> Lanes:
    """A float64 or int64 scalar in every lane of ``kind``."""
    if kind == "f32":
        value = b.fptrunc(value, L.ELEMENT["f32"])
    elif kind == "b1":
        value = b.icmp_signed("!=", value, ir.Constant(I64, 0))
    elif kind not in ("f64", "i64", "u64"):
        value = b.trunc(value, L.ELEMENT[kind])
    return L.splat(b, kind, lanes, value)
