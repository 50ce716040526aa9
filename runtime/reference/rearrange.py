"""concat, slice, reshape, transpose and pad in NumPy: elements moved, none changed."""

from __future__ import annotations

import numpy as np

from runtime import ops
from runtime.reference.registry import Array, Context, reference


@reference(ops.Concat)
def evaluate_concat(prim: ops.Concat, context: Context, *operands: Array) -> tuple[Array, ...]:
    """Operands one after another."""
    return (np.concatenate(operands, axis=prim.axis),)


@reference(ops.Slice)
def evaluate_slice(prim: ops.Slice, context: Context, x: Array) -> tuple[Array, ...]:
    """A range of an axis."""
    return (x[(slice(None),) * prim.axis + (slice(prim.start, prim.stop),)].copy(),)


@reference(ops.Reshape)
def evaluate_reshape(prim: ops.Reshape, context: Context, x: Array) -> tuple[Array, ...]:
    """Row-major order kept."""
    return (x.reshape(prim.shape).copy(),)


@reference(ops.Transpose)
def evaluate_transpose(prim: ops.Transpose, context: Context, x: Array) -> tuple[Array, ...]:
    """Axes permuted."""
    return (np.transpose(x, prim.order).copy(),)


@reference(ops.Pad)
def evaluate_pad(prim: ops.Pad, context: Context, x: Array) -> tuple[Array, ...]:
    """Crops first, then zeros."""
    kept = tuple(slice(max(0, -lo), n - max(0, -hi)) for n, (lo, hi) in zip(x.shape, prim.widths, strict=True))
    return (np.pad(x[kept], [(max(0, lo), max(0, hi)) for lo, hi in prim.widths]),)
