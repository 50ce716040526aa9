"""Proposal."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from netspec.layers import boxes
from netspec.layers.axes import four_axes, times
from netspec.spec.layer import Shape, ShapeError, field, layer

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value


@layer
class Proposal(boxes.Framed):
    """Regions that may hold an object: anchors moved as the net predicts, the best that do not overlap.

    Shapes
        scores : N x A x H x W, or N x 2A x H x W, of which the second half counts;
        deltas : N x 4A x H x W; anchors : (H W A) x 4; im_info : N x 3 (rows, columns,
        scale; left out with ``image_size``) -> rois : (N P) x 5 (number of the image, x1,
        y1, x2, y2), P = ``post_nms_top_n`` for each image, by falling score; further tops,
        if named: their scores : N P, and how many of each image there are : N. An empty
        slot is the region -1, 0, 0, 0, 0 of score 0.
    Formula
        An anchor w x h around c becomes ``c + (dx w, dy h)``, ``(w exp dw) x (h exp dh)``,
        and is cut to the image. Without those narrower or lower than ``min_size`` times
        the image's scale, the best ``pre_nms_top_n`` go through NMS.
    Gradient
        None: what is proposed counts as a constant.
    Source
        Ren et al. 2015; py-faster-rcnn ``ProposalLayer``, which has as many rows as are
        left and makes a moved anchor one pixel too large: zero deltas do not give it back.
    Example
        inputs: {scores: [2, 6, 6], deltas: [8, 6, 6]}
        layers:
          - {name: anchors, type: Anchors, bottom: scores, stride: 8, ratios: [1], scales: [1, 2]}
          - name: rois
            type: Proposal
            bottom: [scores, deltas, anchors]
            image_size: [48, 48]
            min_size: 4
            post_nms_top_n: 5
    """

    bottoms: ClassVar[tuple[int, int | None]] = (3, 4)
    tops: ClassVar[tuple[int, int | None]] = (1, 3)

    pre_nms_top_n: int = field(6000, minimum=0, doc="boxes of an image that NMS looks at; 0: all")
    post_nms_top_n: int = field(300, minimum=1, doc="regions of an image; Ren trains with 2000 out of 12000")
    nms_thresh: float = field(0.7, minimum=0, maximum=1, doc="overlap above which the lower score gives way")
    min_size: float = field(16.0, minimum=0, doc="least side of a region, at the image's scale", unit="pixels")

    def shapes(self, scores: Shape, deltas: Shape, anchors: Shape, info: Shape | None = None) -> tuple[Shape, ...]:
        four_axes("Proposal", scores)
        n, _, h, w = scores
        count = check_anchors(anchors, h, w)
        if scores[1] not in (count, 2 * count) or deltas != (n, 4 * count, h, w):
            message = (
                f"{count} anchors a place need scores {n} x {count} (or {2 * count}) x {h} x {w} and deltas "
                f"{n} x {4 * count} x {h} x {w}, got {times(scores)} and {times(deltas)}"
            )
            hint = "make scores, deltas and anchors from the same map"
            if deltas[2:] == (h, w) and len(deltas) == 4 and deltas[0] == n:
                which, numbers = ("deltas", 4) if deltas[1] != 4 * count else ("scores", 2)
                hint = f"num_output: {numbers * count} in the layer that predicts the {which}"
            raise ShapeError("E415", message, hint)
        self.check_frame(info, n)
        rows = n * self.post_nms_top_n
        return ((rows, 5), (rows,), (n,))[: max(1, len(self.top_names))]

    def lower(
        self, b: Builder, scores: Value, deltas: Value, anchors: Value, info: Value | None = None
    ) -> tuple[Value, ...]:
        n, k = scores.shape[0], anchors.shape[0]
        count = deltas.shape[1] // 4
        object_scores = b.slice(scores, 1, scores.shape[1] - count, scores.shape[1])
        marks = b.reshape(b.transpose(b.stop_gradient(object_scores), (0, 2, 3, 1)), (n, k))
        steps = b.reshape(b.transpose(b.stop_gradient(deltas), (0, 2, 3, 1)), (n, k, 4))
        rows, columns, scale = self.frame(b, info)
        start = boxes.reshaped(b, boxes.parts(b, b.stop_gradient(anchors)), (1, k, 1))
        found = boxes.moved(b, start, boxes.parts(b, steps), self.extent)
        found = boxes.clipped(b, found, rows, columns, self.extent)
        width, height = (b.reshape(v, (n, k)) for v in boxes.sides(found, self.extent))
        least = self.min_size * scale
        if not isinstance(least, float):
            least = b.reshape(least, (n, 1))
        marks = b.where(b.both(width >= least, height >= least), marks, float("-inf"))
        candidates = b.concat(list(found), -1)
        index, kept = b.nms(candidates, marks, self.nms_thresh, self.post_nms_top_n, self.pre_nms_top_n, self.extent)
        real = index >= 0
        number = b.reshape(b.to_float(b.where(real, b.index(index.shape, 0), -1)), (*index.shape, 1))
        rois = b.concat([number, b.gather(candidates, index, lead=1)], -1)
        chosen = b.gather(b.reshape(marks, (n, k, 1)), index, lead=1)
        total = n * self.post_nms_top_n
        made = b.reshape(rois, (total, 5)), b.reshape(chosen, (total,)), kept
        return made[: max(1, len(self.top_names))]


def check_anchors(anchors: Shape, rows: int, columns: int) -> int:
    """How many anchors a place of a map has.

    Raises
    ------
    ShapeError
        Unless the anchors are a whole number a place.
    """
    if len(anchors) != 2 or anchors[1] != 4 or anchors[0] % (rows * columns) or not anchors[0]:
        message = f"anchors of {rows} x {columns} places are (H W A) x 4, got {times(anchors)}"
        raise ShapeError("E415", message, "make them by {type: Anchors} from the same map")
    return anchors[0] // (rows * columns)
