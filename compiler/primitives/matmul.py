"""matmul: batched matrix product."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

from compiler.primitives.registry import Rule, Typed, register
from compiler.primitives.shapes import require, require_operands, sum_to, written
from runtime import ops

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Op, Value


@register(ops.Matmul)
class MatmulRule(Rule):
    """C = A B; dA = dC B', dB = A' dC, summed over batch axes that were broadcast."""

    def infer(self, prim: ops.Matmul, *inputs: Value) -> list[Typed]:
        """(.., M, K) x (.., K, N) -> (.., M, N)."""
        require_operands("matmul", inputs, 2)
        a, b = inputs
        got = f"{written(a.shape)} by {written(b.shape)}"
        require(a.rank == b.rank >= 2, "matmul", got, "two operands of the same rank, 2 or more")
        m, k = _size(a, prim.transpose_a)
        k_of_b, n = _size(b, prim.transpose_b)
        require(k == k_of_b, "matmul", f"{got}, inner sizes {k} and {k_of_b}", "equal inner sizes")
        lead = []
        for p, q in zip(a.shape[:-2], b.shape[:-2], strict=True):
            require(p == q or 1 in (p, q), "matmul", f"{got}, batch sizes {p} and {q}", "equal ones or 1")
            lead.append(q if p == 1 else p)
        return [((*lead, m, n), a.dtype)]

    def grad(self, b: Builder, op: Op, *dys: Value | None) -> list[Value | None]:
        """Two products, with the transposes turned so that no operand is copied."""
        prim = op.prim
        assert isinstance(prim, ops.Matmul)
        (x, w), (dy,) = op.inputs, dys
        if dy is None:
            return [None, None]
        ta, tb = prim.transpose_a, prim.transpose_b
        dx = b.emit1(ops.Matmul(tb, True), w, dy) if ta else b.emit1(ops.Matmul(False, not tb), dy, w)
        dw = b.emit1(ops.Matmul(True, ta), dy, x) if tb else b.emit1(ops.Matmul(not ta, False), x, dy)
        return [sum_to(b, dx, x.shape), sum_to(b, dw, w.shape)]

    def flops(self, op: Op) -> int:
        """2 M N K a batch element."""
        prim = op.prim
        assert isinstance(prim, ops.Matmul)
        return 2 * prod(op.outputs[0].shape) * _size(op.inputs[0], prim.transpose_a)[1]


def _size(x: Value, transposed: bool) -> tuple[int, int]:
    rows, columns = x.shape[-2:]
    return (columns, rows) if transposed else (rows, columns)
