"""logsumexp in NumPy."""

from __future__ import annotations

import numpy as np

from runtime import ops
from runtime.reference.registry import Array, Context, reference


@reference(ops.LogSumExp)
def evaluate_logsumexp(prim: ops.LogSumExp, context: Context, x: Array) -> tuple[Array, ...]:
    """With the largest taken out first, so that no exponential overflows; -inf where all are."""
    top = np.max(x, axis=prim.axis, keepdims=True, initial=-np.inf)
    shift = np.where(np.isfinite(top), top, np.zeros_like(top))
    return (shift + np.log(np.sum(np.exp(x - shift), axis=prim.axis, keepdims=True)),)
