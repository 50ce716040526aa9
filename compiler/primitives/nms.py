"""nms: of boxes that overlap, the one with the highest score."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from compiler.primitives.registry import Rule, Typed, register
from compiler.primitives.shapes import require, require_operands, require_rank, written
from runtime import ops_detection as ops

if TYPE_CHECKING:
    from compiler.ir import Op, Value


@register(ops.Nms)
class NmsRule(Rule):
    """Indices of boxes and their count."""

    no_gradient: ClassVar[str] = "its results are indices, which do not change with boxes and scores but in jumps"

    def infer(self, prim: ops.Nms, *inputs: Value) -> list[Typed]:
        """N x K x 4 and N x K -> N x capacity and N."""
        require_operands("nms", inputs, 2)
        boxes, scores = inputs
        require_rank("nms", "boxes", boxes, 3)
        require(boxes.shape[2] == 4, "nms", f"boxes {written(boxes.shape)}", "4 numbers a box")
        got = f"scores {written(scores.shape)}"
        require(scores.shape == boxes.shape[:2], "nms", got, f"one a box of {written(boxes.shape[:2])}")
        require(prim.capacity >= 1, "nms", f"capacity {prim.capacity}", "1 or more")
        require(prim.candidates >= 0, "nms", f"candidates {prim.candidates}", "0 or more")
        return [((boxes.shape[0], prim.capacity), "i32"), ((boxes.shape[0],), "i32")]

    def flops(self, op: Op) -> int:
        """Some 12 for each candidate and each box that may be kept."""
        assert isinstance(op.prim, ops.Nms)
        n, k = op.inputs[1].shape
        return 12 * n * min(k, op.prim.candidates or k) * min(k, op.prim.capacity)
