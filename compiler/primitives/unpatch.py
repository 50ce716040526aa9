"""unpatch: windows added back into a map, the gradient of ``patches``."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

from compiler.primitives.patches import check_patches
from compiler.primitives.registry import Rule, Typed, register
from compiler.primitives.shapes import require, require_operands, require_rank
from runtime import ops

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Op, Value


@register(ops.Unpatch)
class UnpatchRule(Rule):
    """Each element is the sum of its copies; dy by ``patches``."""

    def infer(self, prim: ops.Unpatch, *inputs: Value) -> list[Typed]:
        """N x (C R S) x Ho x Wo -> N x C x size."""
        require_operands("unpatch", inputs, 1)
        (y,) = inputs
        require_rank("unpatch", "input", y, 4)
        check_patches(prim)
        window = prod(prim.kernel)
        require(y.shape[1] % window == 0, "unpatch", f"{y.shape[1]} channels", f"a multiple of {window}")
        return [((y.shape[0], y.shape[1] // window, *prim.size), y.dtype)]

    def grad(self, b: Builder, op: Op, *dys: Value | None) -> list[Value | None]:
        """Each copy has the gradient of its element."""
        prim, (y,), (dx,) = op.prim, op.inputs, dys
        assert isinstance(prim, ops.Unpatch)
        again = ops.Patches(prim.kernel, prim.stride, prim.pad, prim.dilation, (y.shape[2], y.shape[3]))
        return [None if dx is None else b.emit1(again, dx)]

    def flops(self, op: Op) -> int:
        """One addition a copy."""
        return prod(op.inputs[0].shape)
