"""gather, scatter_add and top_k in NumPy."""

from __future__ import annotations

import numpy as np

from runtime import ops
from runtime.reference.registry import Array, Context, reference


@reference(ops.Gather)
def evaluate_gather(prim: ops.Gather, context: Context, x: Array, index: Array) -> tuple[Array, ...]:
    """The named rows, zeros for what is no row."""
    if index.ndim == 1:
        return (_rows(x, index),)
    return (np.stack([_rows(table, of) for table, of in zip(x, index, strict=True)]),)


@reference(ops.ScatterAdd)
def evaluate_scatter_add(prim: ops.ScatterAdd, context: Context, y: Array, index: Array) -> tuple[Array, ...]:
    """Each row added where it belongs."""
    if index.ndim == 1:
        return (_added(y, index, prim.size),)
    return (np.stack([_added(rows, of, prim.size) for rows, of in zip(y, index, strict=True)]),)


@reference(ops.TopK)
def evaluate_top_k(prim: ops.TopK, context: Context, x: Array) -> tuple[Array, ...]:
    """By a full sort: NaN first, then by value, then by place."""
    nan = np.isnan(x)
    place = np.broadcast_to(np.arange(x.shape[1]), x.shape)
    order = np.lexsort((place, -np.where(nan, 0.0, x), ~nan), axis=1)[:, : prim.count]
    return np.take_along_axis(x, order, 1), order.astype(np.int32)


def _rows(x: Array, index: Array) -> Array:
    valid = (index >= 0) & (index < x.shape[0])
    return np.where(valid[:, None], x[np.where(valid, index, 0)], np.zeros_like(x[:1]))


def _added(y: Array, index: Array, size: int) -> Array:
    valid = (index >= 0) & (index < size)
    x = np.zeros((size, *y.shape[1:]), y.dtype)
    np.add.at(x, index[valid], y[valid])
    return x
