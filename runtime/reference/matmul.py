"""matmul in NumPy."""

from __future__ import annotations

import numpy as np

from runtime import ops
from runtime.reference.registry import Array, Context, reference


@reference(ops.Matmul)
def evaluate_matmul(prim: ops.Matmul, context: Context, a: Array, b: Array) -> tuple[Array, ...]:
    """The product of the last two axes."""
    left = np.swapaxes(a, -1, -2) if prim.transpose_a else a
    right = np.swapaxes(b, -1, -2) if prim.transpose_b else b
    return (np.matmul(left, right),)
