"""guard in NumPy."""

from __future__ import annotations

import numpy as np

from runtime import ops
from runtime.reference.registry import Array, Context, NotFinite, reference


@reference(ops.Guard)
def evaluate_guard(prim: ops.Guard, context: Context, x: Array) -> tuple[Array, ...]:
    """Nothing; raises ``NotFinite`` where x is not."""
    if not np.all(np.isfinite(x)):
        raise NotFinite
    return ()
