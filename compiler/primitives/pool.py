"""pool: maximum or average over windows."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

from compiler.primitives.registry import Rule, Typed, register
from compiler.primitives.shapes import require, require_geometry, require_operands, require_rank
from runtime import ops
from runtime.ops import Pair

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Op, Value


def check_windows(prim: ops.Pool | ops.Unpool, inside: Pair, pooled: Pair) -> None:
    """ValueError unless every window has at least one element inside the map."""
    kind = prim.kind
    require(prim.mode in ("max", "ave"), kind, prim.mode, "max or ave")
    require_geometry(kind, prim.stride, prim.pad)
    for axis, name in enumerate(("height", "width")):
        kernel, stride, pad = prim.kernel[axis], prim.stride[axis], prim.pad[axis]
        require(kernel >= 1, kind, f"kernel {prim.kernel}", "1 or more")
        require(pad < kernel, kind, f"pad {pad} with kernel {kernel}", "a pad below the kernel: its window is empty")
        require(pooled[axis] >= 1, kind, f"pooled {name} {pooled[axis]}", "1 or more")
        start = (pooled[axis] - 1) * stride - pad
        expected = f"it below the {name} {inside[axis]}: its window is empty"
        require(start < inside[axis], kind, f"last window at {start}", expected)


def index_dtype(kernel: Pair) -> str:
    """u8 where a position in the window fits, else i32."""
    return "u8" if prod(kernel) <= 256 else "i32"


@register(ops.Pool)
class PoolRule(Rule):
    """y (and index, for max) of windows; dx by ``unpool``."""

    def infer(self, prim: ops.Pool, *inputs: Value) -> list[Typed]:
        """N x C x H x W -> N x C x size, twice for max."""
        require_operands("pool", inputs, 1)
        (x,) = inputs
        require_rank("pool", "input", x, 4)
        check_windows(prim, (x.shape[2], x.shape[3]), prim.size)
        shape = (*x.shape[:2], *prim.size)
        return [(shape, x.dtype), (shape, index_dtype(prim.kernel))] if prim.mode == "max" else [(shape, x.dtype)]

    def grad(self, b: Builder, op: Op, *dys: Value | None) -> list[Value | None]:
        """A gather; max reads the index."""
        prim = op.prim
        assert isinstance(prim, ops.Pool)
        x, dy = op.inputs[0], dys[0]
        if dy is None:
            return [None]
        back = ops.Unpool(prim.mode, prim.kernel, prim.stride, prim.pad, (x.shape[2], x.shape[3]))
        return [b.emit1(back, dy, *op.outputs[1:])]

    def flops(self, op: Op) -> int:
        """One an element of each window."""
        assert isinstance(op.prim, ops.Pool)
        return prod(op.outputs[0].shape) * prod(op.prim.kernel)
