"""reduce in NumPy."""

from __future__ import annotations

import numpy as np

from runtime import ops
from runtime.reference.expressions import evaluate_trees
from runtime.reference.registry import Array, Context, reference


@reference(ops.Reduce)
def evaluate_reduce(prim: ops.Reduce, context: Context, *operands: Array) -> tuple[Array, ...]:
    """Sum, or maximum with NaN over numbers, of each result; of nothing 0 and -inf."""
    elements = evaluate_trees(prim.results, operands, prim.shape, context)
    if prim.op == "sum":
        return tuple(np.sum(e, axis=prim.axes, keepdims=True) for e in elements)
    return tuple(np.max(e, axis=prim.axes, keepdims=True, initial=-np.inf) for e in elements)
