"""Kernels called one at a time: text in, a function of arrays out."""

from __future__ import annotations

import ctypes
from collections.abc import Callable

import numpy as np

from runtime.cpu.isa import CpuTarget, detect
from runtime.cpu.objects import kernel_cache
from runtime.vector.kernel import Kernel

CALL = ctypes.CFUNCTYPE(None, *[ctypes.c_int64] * 4)

ELEMENTWISE = """
from runtime.vector.simd import *
V = vectors({dtype!r}, {lanes})
load, store_tail, splat = V.load, V.store_tail, V.splat
to_i32, to_self = converter("i32"), converter({dtype!r})
def kernel(args, first, last, thread):
    x, y, n = word(args, 0), word(args, 1), word(args, 2)
    i = 0
    while i < n:
        v = load(x, i)
        store_tail(y, i, {formula}, n - i)
        i += {lanes}
"""


def function_of(kernel: Kernel, target: CpuTarget | None = None) -> Callable[..., None]:
    """A kernel as a function of (args, first, last, thread)."""
    return CALL(kernel_cache(target or detect()).load([kernel])[kernel])


def apply(formula: str, x: np.ndarray, target: CpuTarget | None = None) -> np.ndarray:
    """A formula of the vector ``v``, in vector text, at each element of a float array."""
    target = target or detect()
    dtype = {"float32": "f32", "float64": "f64"}[str(x.dtype)]
    text = ELEMENTWISE.format(dtype=dtype, lanes=target.lanes(dtype), formula=formula)
    # kernels may read a vector past the end
    padded = np.concatenate([np.ascontiguousarray(x), np.zeros(64, x.dtype)])
    y = np.zeros_like(x)
    words = np.array([padded.ctypes.data, y.ctypes.data, x.size], np.int64)
    function_of(Kernel("formula", text), target)(words.ctypes.data, 0, 1, 0)
    return y


def ulps(got: np.ndarray, want: np.ndarray) -> float:
    """The largest error in units of the last place of ``got``'s dtype; ``want`` is of a wider one."""
    unit = np.spacing(np.abs(want).astype(got.dtype)).astype(want.dtype)
    return float(np.max(np.abs(got.astype(want.dtype) - want) / unit))
