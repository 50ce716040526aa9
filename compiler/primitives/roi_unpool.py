"""roi_unpool: the gradient of ``roi_pool``."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

from compiler.primitives.registry import Rule, Typed, register
from compiler.primitives.roi_pool import require_regions
from compiler.primitives.shapes import require, require_floats, require_rank, written
from runtime import ops_detection as ops
from runtime.ops import Gather

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Op, Value


@register(ops.RoiUnpool)
class RoiUnpoolRule(Rule):
    """dx of ``roi_pool``; its own gradient gathers by the same index."""

    def infer(self, prim: ops.RoiUnpool, *inputs: Value) -> list[Typed]:
        """R x C x Ph x Pw (twice) and R x 5 -> images x C x size."""
        require(len(inputs) == 3, "roi_unpool", f"{len(inputs)} operands", "3")
        dy, index, rois = inputs
        require_floats("roi_unpool", (dy, rois))
        require_rank("roi_unpool", "dy", dy, 4)
        require_regions("roi_unpool", rois)
        require(rois.shape[0] == dy.shape[0], "roi_unpool", f"{rois.shape[0]} regions", f"{dy.shape[0]}")
        wanted = f"i32 of {written(dy.shape)}"
        ok = (index.shape, index.dtype) == (dy.shape, "i32")
        require(ok, "roi_unpool", f"index {index.dtype} of {written(index.shape)}", wanted)
        require(min(prim.images, *prim.size) >= 1, "roi_unpool", f"{prim.images} x {prim.size}", "1 or more")
        return [((prim.images, dy.shape[1], *prim.size), dy.dtype)]

    def grad(self, b: Builder, op: Op, *dys: Value | None) -> list[Value | None]:
        """The elements of g that the index names, zeros where it names none."""
        prim, (dy, index, rois), g = op.prim, op.inputs, dys[0]
        assert isinstance(prim, ops.RoiUnpool)
        if g is None:
            return [None, None, None]
        (high, wide), channels = prim.size, dy.shape[1]
        number = b.reshape(b.slice(rois, 1, 0, 1), (dy.shape[0], 1, 1, 1))
        known = b.both(number > -0.5, number < prim.images - 0.5)
        inside = b.both(index >= 0, index < high * wide)
        plane = b.apply("to_int", number + 0.5) * channels + b.index((1, channels, 1, 1), 1)
        place = b.where(b.both(known, inside), plane * (high * wide) + index, -1)
        table = b.reshape(g, (prod(g.shape), 1))
        return [b.reshape(b.emit1(Gather(), table, b.reshape(place, (prod(dy.shape),))), dy.shape), None, None]

    def flops(self, op: Op) -> int:
        """An addition an element of dy."""
        return prod(op.inputs[0].shape)
