"""patches and unpatch in NumPy: one copy for each tap of the window."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from runtime import ops
from runtime.ops import Pair
from runtime.reference.registry import Array, Context, reference

Span = tuple[slice, slice]


@reference(ops.Patches)
def evaluate_patches(prim: ops.Patches, context: Context, x: Array) -> tuple[Array, ...]:
    """Every tap's elements, zeros where the tap is outside the map."""
    n, c, height, width = x.shape
    y = np.zeros((n, c, *prim.kernel, *prim.size), x.dtype)
    for r, s, (rows, columns), (i, j) in _taps(prim, (height, width), prim.size):
        y[:, :, r, s, i, j] = x[:, :, rows, columns]
    return (y.reshape(n, -1, *prim.size),)


@reference(ops.Unpatch)
def evaluate_unpatch(prim: ops.Unpatch, context: Context, y: Array) -> tuple[Array, ...]:
    """Every tap's elements added where they came from."""
    out = (y.shape[2], y.shape[3])
    taps = y.reshape(y.shape[0], -1, *prim.kernel, *out)
    x = np.zeros((*taps.shape[:2], *prim.size), y.dtype)
    for r, s, (rows, columns), (i, j) in _taps(prim, prim.size, out):
        x[:, :, rows, columns] += taps[:, :, r, s, i, j]
    return (x,)


def _taps(prim: ops.Patches | ops.Unpatch, inside: Pair, out: Pair) -> Iterator[tuple[int, int, Span, Span]]:
    """For each tap the elements of the map that it meets, and the windows in which it meets them."""
    for r in range(prim.kernel[0]):
        for s in range(prim.kernel[1]):
            found = [_met(prim, axis, tap, inside[axis], out[axis]) for axis, tap in enumerate((r, s))]
            yield r, s, (found[0][0], found[1][0]), (found[0][1], found[1][1])


def _met(prim: ops.Patches | ops.Unpatch, axis: int, tap: int, inside: int, out: int) -> Span:
    stride, shift = prim.stride[axis], tap * prim.dilation[axis] - prim.pad[axis]
    met = [i for i in range(out) if 0 <= i * stride + shift < inside]
    if not met:
        return slice(0, 0), slice(0, 0)
    first, last = met[0], met[-1]
    return slice(first * stride + shift, last * stride + shift + 1, stride), slice(first, last + 1)
