"""roi_pool: the largest element of each bin of each region."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

from compiler.primitives.registry import Rule, Typed, register
from compiler.primitives.shapes import require, require_operands, require_rank, written
from runtime import ops_detection as ops

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Op, Value


def require_regions(kind: str, rois: Value) -> None:
    """ValueError unless ``rois`` is R x 5."""
    require_rank(kind, "rois", rois, 2)
    require(rois.shape[1] == 5, kind, f"rois {written(rois.shape)}", "5 numbers a region")


@register(ops.RoiPool)
class RoiPoolRule(Rule):
    """y and index of bins; dx by ``roi_unpool``. None to the rois: their corners were rounded."""

    def infer(self, prim: ops.RoiPool, *inputs: Value) -> list[Typed]:
        """N x C x H x W and R x 5 -> R x C x size, twice."""
        require_operands("roi_pool", inputs, 2)
        x, rois = inputs
        require_rank("roi_pool", "input", x, 4)
        require_regions("roi_pool", rois)
        require(min(prim.size) >= 1, "roi_pool", f"size {prim.size}", "1 or more")
        require(prim.scale > 0, "roi_pool", f"scale {prim.scale}", "a positive one")
        shape = (rois.shape[0], x.shape[1], *prim.size)
        return [(shape, x.dtype), (shape, "i32")]

    def grad(self, b: Builder, op: Op, *dys: Value | None) -> list[Value | None]:
        """A sum at the places that the index names."""
        x, rois = op.inputs
        if dys[0] is None:
            return [None, None]
        back = ops.RoiUnpool(x.shape[0], (x.shape[2], x.shape[3]))
        return [b.emit1(back, dys[0], op.outputs[1], rois), None]

    def flops(self, op: Op) -> int:
        """A comparison an element, of regions as large as the map."""
        x, rois = op.inputs
        return rois.shape[0] * prod(x.shape[1:])
