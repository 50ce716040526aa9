"""Expression trees over arrays, node by node."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from runtime.expr import Expr
from runtime.ops import Shape
from runtime.reference.philox import draw
from runtime.reference.registry import Array, Context

FUNCTIONS: dict[str, Callable[..., Any]] = {
    "neg": np.negative,
    "exp": np.exp,
    "log": np.log,
    "sqrt": np.sqrt,
    "rsqrt": lambda x: 1 / np.sqrt(x),
    "sin": np.sin,
    "cos": np.cos,
    "tanh": np.tanh,
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "erf": np.vectorize(math.erf, otypes=[float]),
    "abs": np.abs,
    "sign": np.sign,
    "floor": np.floor,
    "not": np.logical_not,
    "isfinite": np.isfinite,
    "add": np.add,
    "sub": np.subtract,
    "mul": np.multiply,
    "div": np.divide,
    "pow": np.power,
    "min": np.minimum,
    "max": np.maximum,
    "lt": np.less,
    "le": np.less_equal,
    "gt": np.greater,
    "ge": np.greater_equal,
    "eq": np.equal,
    "ne": np.not_equal,
    "and": np.logical_and,
    "or": np.logical_or,
    "where": np.where,
}
"""``max`` and ``min`` answer NaN if either operand is; conversions are in ``_convert``."""


def evaluate_trees(results: Sequence[Expr], operands: Sequence[Array], shape: Shape, context: Context) -> list[Array]:
    """Every expression at every element of ``shape``, to which the operands broadcast.

    Parameters
    ----------
    operands
        Floating ones in the context's dtype.

    Returns
    -------
    One array of ``shape`` a result: the context's dtype, int32 or bool.
    """
    memo: dict[Expr, Array] = {}
    for node in dict.fromkeys(n for result in results for n in result.walk()):
        if node.args:
            memo[node] = _function(node, [memo[a] for a in node.args], context)
        else:
            memo[node] = _leaf(node, operands, shape, context)
    return [np.broadcast_to(memo[r], shape).astype(dtype_of(r.dtype, context)) for r in results]


def dtype_of(kind: str, context: Context) -> np.dtype[Any]:
    """The NumPy dtype of ``float``, ``i32`` or ``b1``."""
    return context.dtype if kind == "float" else np.dtype(np.int32 if kind == "i32" else np.bool_)


def _function(node: Expr, args: list[Array], context: Context) -> Array:
    if node.op in ("to_float", "to_int"):
        return args[0].astype(dtype_of(node.dtype, context))
    return np.asarray(FUNCTIONS[node.op](*args), dtype_of(node.dtype, context))


def _leaf(node: Expr, operands: Sequence[Array], shape: Shape, context: Context) -> Array:
    value: Any = node.value
    dtype = dtype_of(node.dtype, context)
    if node.op == "arg":
        return np.asarray(operands[value], dtype)
    if node.op == "const":
        return np.asarray(value, dtype)
    if node.op == "scalar":
        return np.asarray(context.number(value), dtype)
    if node.op == "index":
        return np.arange(shape[value], dtype=dtype).reshape((-1,) + (1,) * (-value - 1))
    stream, t = value
    return draw(node.op, stream, t, shape, context)
