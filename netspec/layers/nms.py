"""NMS."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from netspec.layers.axes import times
from netspec.layers.boxes import Boxed
from netspec.spec.layer import Shape, ShapeError, field, layer

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value


@layer
class NMS(Boxed):
    """Boxes that no kept box of a higher score covers too much: non-maximum suppression.

    Shapes
        boxes : N x K x 4 (x1, y1, x2, y2), scores : N x K -> index : N x capacity, whole
        numbers from 0, -1 beyond the last kept box; a second top, if named, gets how many
        were kept : N.
    Formula
        Of each image the boxes are taken by falling score, no more than ``pre_nms_top_n``
        of them; one is kept unless its intersection over union with a box kept before is
        above ``nms_thresh``. Of equal scores the first goes first. A box with a score
        that is NaN or -inf, or a corner that is not finite, takes no part.
    Gradient
        None: an index changes in jumps.
    Source
        Girshick et al. 2014; py-faster-rcnn ``nms``.
    Example
        inputs: {boxes: [8, 4], scores: [8]}
        layers:
          - {name: kept, type: NMS, bottom: [boxes, scores], nms_thresh: 0.5, capacity: 4}
    """

    bottoms: ClassVar[tuple[int, int | None]] = (2, 2)
    tops: ClassVar[tuple[int, int | None]] = (1, 2)

    nms_thresh: float = field(0.5, minimum=0, maximum=1, doc="overlap above which the lower score gives way")
    capacity: int = field(100, minimum=1, doc="boxes kept of an image, at most")
    pre_nms_top_n: int = field(0, minimum=0, doc="boxes looked at, the best of each image; 0: all")

    def shapes(self, boxes: Shape, scores: Shape) -> tuple[Shape, ...]:
        if len(boxes) != 3 or boxes[2] != 4 or scores != boxes[:2]:
            message = f"boxes are N x K x 4 and scores N x K, got {times(boxes)} and {times(scores)}"
            raise ShapeError("E415", message)
        return ((boxes[0], self.capacity), (boxes[0],))[: max(1, len(self.top_names))]

    def lower(self, b: Builder, boxes: Value, scores: Value) -> tuple[Value, ...]:
        still = b.stop_gradient(boxes), b.stop_gradient(scores)
        made = b.nms(*still, self.nms_thresh, self.capacity, self.pre_nms_top_n, self.extent)
        return made[: max(1, len(self.top_names))]
