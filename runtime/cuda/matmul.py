"""Matmul on a GPU: batched, either factor transposed, any strides."""

from __future__ import annotations

from typing import cast

from runtime import ops
from runtime.cuda.finish import Grid, Part
from runtime.cuda.gemm import Product
from runtime.cuda.launch import Context, Launch, launcher
from runtime.cuda.operands import Operand, plain
from runtime.ops import Pair
from runtime.plan import Step, View
from runtime.vector.kernel import address_of, byte_strides


@launcher(ops.Matmul)
def matmul(step: Step, context: Context) -> list[Launch]:
    """Launches of ``ops.Matmul``; none of an empty result."""
    op, (a, b), c = cast(ops.Matmul, step.op), step.reads, step.writes[0]
    assert c is not None
    return product(op, a, b, c).finished(step, c, context)


def product(op: ops.Matmul, a: View, b: View, c: View) -> Product:
    """A matrix product as the kernel sees it.

    Raises
    ------
    NotImplementedError
        More than two batch axes.
    """
    if len(c.shape) > 4:
        raise NotImplementedError(f"a matrix product of rank {len(c.shape)}: at most two batch axes")
    m, n = c.shape[-2:]
    k = a.shape[-2] if op.transpose_a else a.shape[-1]
    leading, last = c.shape[:-2], len(c.shape) - 1
    left, right = _factor(a, not op.transpose_a), _factor(b, op.transpose_b)
    rows, columns = Part(m, last - 1), Part(n, last)
    if c.strides[-1] != 1 and c.strides[-2] == 1:
        # the transposed product: its rows' neighbours are those of memory
        m, n, left, right, rows, columns = n, m, right, left, columns, rows
    outer = (*(Part(size, axis) for axis, size in enumerate(leading)), rows)
    batch = (1, 1, *leading)[-2:]
    grid = Grid(outer, (columns,), (0,) * len(c.shape))
    return Product(c.dtype, (m, n, k), left, right, grid, (batch[0], batch[1]))


def _factor(view: View, k_last: bool) -> Operand:
    """A factor whose last axis is k, or whose last but one is."""
    strides = byte_strides(view)
    outer, inner = (-2, -1) if k_last else (-1, -2)
    leading = [0 if n == 1 else s for n, s in zip(view.shape[:-2], strides[:-2], strict=True)]
    batch: Pair = (0, 0, *leading)[-2], (0, 0, *leading)[-1]
    return Operand(
        address_of(view), plain(view.shape[outer], strides[outer]), plain(view.shape[inner], strides[inner]), batch
    )
