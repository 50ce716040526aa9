"""pool and unpool in NumPy: one pass for each position in the window."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from runtime import ops
from runtime.ops import Pair
from runtime.reference.registry import Array, Context, reference


@reference(ops.Pool)
def evaluate_pool(prim: ops.Pool, context: Context, x: Array) -> tuple[Array, ...]:
    """Maximum and its position in the window, or average."""
    inside = (x.shape[2], x.shape[3])
    return _max(prim, x, inside) if prim.mode == "max" else (_average(prim, x, inside),)


@reference(ops.Unpool)
def evaluate_unpool(prim: ops.Unpool, context: Context, dy: Array, *index: Array) -> tuple[Array, ...]:
    """Every dy (of ave: divided) added to the elements its window chose (of ave: covers)."""
    dx = np.zeros((*dy.shape[:2], *prim.size), dy.dtype)
    share = dy if prim.mode == "max" else dy / divisor(prim, prim.size, (dy.shape[2], dy.shape[3])).astype(dy.dtype)
    for position, outs, ins in positions(prim, prim.size, (dy.shape[2], dy.shape[3])):
        part = share[outs]
        dx[ins] += np.where(index[0][outs] == position, part, np.zeros_like(part)) if index else part
    return (dx,)


def _max(prim: ops.Pool, x: Array, inside: Pair) -> tuple[Array, ...]:
    best = np.full((*x.shape[:2], *prim.size), -np.inf, x.dtype)
    index = np.full(best.shape, -1, np.int32)
    for position, outs, ins in positions(prim, inside, prim.size):
        # The first of a window is taken whatever it is; later ones only if larger, or the first NaN.
        better = (index[outs] < 0) | (x[ins] > best[outs]) | (np.isnan(x[ins]) & ~np.isnan(best[outs]))
        best[outs] = np.where(better, x[ins], best[outs])
        index[outs] = np.where(better, position, index[outs])
    return best, index.astype(np.uint8 if prim.kernel[0] * prim.kernel[1] <= 256 else np.int32)


def _average(prim: ops.Pool, x: Array, inside: Pair) -> Array:
    total = np.zeros((*x.shape[:2], *prim.size), x.dtype)
    for _, outs, ins in positions(prim, inside, prim.size):
        total[outs] += x[ins]
    return np.asarray(total / divisor(prim, inside, prim.size).astype(x.dtype))


def divisor(prim: ops.Pool | ops.Unpool, inside: Pair, pooled: Pair) -> Array:
    """Caffe's window sizes, padding counted up to H + pad, as an array of ``pooled``."""
    lengths = []
    for axis in (0, 1):
        start = np.arange(pooled[axis]) * prim.stride[axis] - prim.pad[axis]
        lengths.append(np.minimum(start + prim.kernel[axis], inside[axis] + prim.pad[axis]) - start)
    return lengths[0][:, None] * lengths[1][None, :]


Selection = tuple[slice, slice, slice, slice]


def positions(prim: ops.Pool | ops.Unpool, inside: Pair, pooled: Pair) -> Iterator[tuple[int, Selection, Selection]]:
    """For each position r * S + s in the window: the outputs for which it lies inside, and those inputs."""
    everything = slice(None)
    for r in range(prim.kernel[0]):
        rows = _axis(prim, 0, r, inside[0], pooled[0])
        for s in range(prim.kernel[1]):
            columns = _axis(prim, 1, s, inside[1], pooled[1])
            if rows is not None and columns is not None:
                outs = (everything, everything, rows[0], columns[0])
                yield r * prim.kernel[1] + s, outs, (everything, everything, rows[1], columns[1])


def _axis(prim: ops.Pool | ops.Unpool, axis: int, tap: int, inside: int, pooled: int) -> tuple[slice, slice] | None:
    """Windows p with 0 <= p stride - pad + tap < inside, and those elements; None if there are none."""
    stride, shift = prim.stride[axis], tap - prim.pad[axis]
    first = max(0, -(shift // stride))
    last = min(pooled - 1, (inside - 1 - shift) // stride)
    if last < first:
        return None
    return slice(first, last + 1), slice(first * stride + shift, last * stride + shift + 1, stride)
