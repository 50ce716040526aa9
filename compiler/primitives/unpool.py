"""unpool: the gradient of ``pool``, as a gather."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

from compiler.primitives.pool import check_windows, index_dtype
from compiler.primitives.registry import Rule, Typed, register
from compiler.primitives.shapes import require, require_floats, require_rank
from runtime import ops

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Op, Value


@register(ops.Unpool)
class UnpoolRule(Rule):
    """dx of ``pool``. Of ave the gradient is ``pool`` again; of max it gathers by index."""

    def infer(self, prim: ops.Unpool, *inputs: Value) -> list[Typed]:
        """N x C x Ho x Wo (and index) -> N x C x size."""
        expected = 2 if prim.mode == "max" else 1
        require(len(inputs) == expected, "unpool", f"{len(inputs)} operands", f"{expected} for {prim.mode}")
        dy = inputs[0]
        require_floats("unpool", (dy,))
        require_rank("unpool", "dy", dy, 4)
        require(min(prim.size) >= 1, "unpool", f"size {prim.size}", "1 or more")
        check_windows(prim, prim.size, (dy.shape[2], dy.shape[3]))
        for index in inputs[1:]:
            wanted = f"{index_dtype(prim.kernel)} of {dy.shape}"
            ok = (index.shape, index.dtype) == (dy.shape, index_dtype(prim.kernel))
            require(ok, "unpool", f"index {index.dtype} of {index.shape}", wanted)
        return [((*dy.shape[:2], *prim.size), dy.dtype)]

    def grad(self, b: Builder, op: Op, *dys: Value | None) -> list[Value | None]:
        """Of ave, average pooling; of max, the elements of dx's gradient that were chosen."""
        prim = op.prim
        assert isinstance(prim, ops.Unpool)
        dy, g = op.inputs[0], dys[0]
        if g is None:
            return [None] * len(op.inputs)
        if prim.mode == "max":
            places = b.window_places(op.inputs[1], prim.kernel, prim.stride, prim.pad, prim.size)
            return [b.gather_places(g, places), None]
        return [b.emit1(ops.Pool("ave", prim.kernel, prim.stride, prim.pad, (dy.shape[2], dy.shape[3])), g)]

    def flops(self, op: Op) -> int:
        """As ``pool``."""
        assert isinstance(op.prim, ops.Unpool)
        return prod(op.inputs[0].shape) * prod(op.prim.kernel)
