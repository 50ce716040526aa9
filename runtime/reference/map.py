"""map in NumPy."""

from __future__ import annotations

from runtime import ops
from runtime.reference.expressions import evaluate_trees
from runtime.reference.registry import Array, Context, reference


@reference(ops.Map)
def evaluate_map(prim: ops.Map, context: Context, *operands: Array) -> tuple[Array, ...]:
    """Every result at every element of the shape."""
    return tuple(evaluate_trees(prim.results, operands, prim.shape, context))
