"""AveragePrecision."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar

from netspec.layers import boxes, hints
from netspec.layers.axes import times
from netspec.layers.regions import check_regions
from netspec.spec.layer import Measure, Problem, Shape, ShapeError, field, layer

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value


@layer
class AveragePrecision(boxes.Boxed):
    """Average precision of the boxes that a net finds, mean over the classes: PASCAL VOC's or COCO's.

    Shapes
        prob : (N R) x C, softmax of the class scores, class 0 the background; box :
        (N R) x 4C, (dx, dy, dw, dh) for each class; rois : (N R) x 5 (number of the image,
        x1, y1, x2, y2; R rows for each image, one after another); gt_boxes : N x G x 5
        (x1, y1, x2, y2, class; class 0: an empty slot) -> mean : a single number between
        0 and 1; a second top, if named, gets the figure of each class : C - 1.
    Formula
        Regions are moved by ``box stds + means`` and go through NMS class by class; the
        ``max_per_image`` best of an image count. By falling score over all images, one is
        right if it overlaps with a box of its class by ``overlap`` or more that no better
        one has found. Precision at a recall is the largest at that recall or above;
        ``voc`` takes its mean over all recalls, ``voc07`` over 0, 0.1 .. 1, ``coco`` over
        0, 0.01 .. 1 and over the overlaps 0.5, 0.55 .. 0.95. Classes without a box are left
        out (NaN in the second top).
    Gradient
        None.
    Source
        Everingham et al. 2010, 2015 (VOC devkit, without its difficult boxes); Lin et al.
        2014 (COCO API, all areas).
    Example
        inputs:
          prob: {shape: [6, 3], batch: false}
          box: {shape: [6, 12], batch: false}
          rois: {shape: [6, 5], batch: false}
          drawn: {shape: [2, 4, 5], batch: false}
        layers:
          - {name: gt_boxes, type: Expression, bottom: {x: drawn}, expr: "floor(x + 1)"}  # classes are whole numbers
          - {name: ap, type: AveragePrecision, bottom: [prob, box, rois, gt_boxes], style: voc07}
    """

    bottoms: ClassVar[tuple[int, int | None]] = (4, 4)
    tops: ClassVar[tuple[int, int | None]] = (1, 2)
    is_metric: ClassVar[bool] = True

    style: str = field("voc", choices=("voc", "voc07", "coco"), doc="whose average: VOC since 2010, VOC 2007, COCO")
    overlap: tuple[float, ...] = field(
        (), above=0, maximum=1, doc="overlaps at which a box is found, averaged; default: 0.5, of coco 0.5 to 0.95"
    )
    nms_thresh: float = field(0.3, minimum=0, maximum=1, doc="overlap above which the lower score gives way")
    score_thresh: float = field(0.0, minimum=0, maximum=1, doc="scores up to this are left out")
    max_per_image: int = field(100, minimum=1, doc="boxes of an image that count")
    box_means: tuple[float, ...] = field((0.0,), doc="as ProposalTarget's: what its targets were less")
    box_stds: tuple[float, ...] = field((0.1, 0.1, 0.2, 0.2), above=0, doc="as ProposalTarget's")

    def problems(self) -> Iterator[Problem]:
        yield from super().problems()
        yield from boxes.one_or_four(self, "box_means", "box_stds")

    def shapes(self, prob: Shape, box: Shape, rois: Shape, gt: Shape) -> tuple[Shape, ...]:
        check_regions(rois)
        if len(prob) != 2 or prob[1] < 2 or prob[0] != rois[0] or box != (prob[0], 4 * prob[1]):
            message = (
                f"{rois[0]} regions need prob {rois[0]} x C and box {rois[0]} x 4C, got {times(prob)} and {times(box)}"
            )
            raise ShapeError("E415", message, self._hint(prob, box, rois))
        boxes.check_truth(gt, gt[0] if gt else 1)
        boxes.check_groups(rois, gt)
        return ((), (prob[1] - 1,))[: max(1, len(self.top_names))]

    def _hint(self, prob: Shape, box: Shape, rois: Shape) -> str:
        """Which of the three to change."""
        if prob[:1] != rois[:1] or box[:1] != rois[:1]:
            return "read the rois that the RoIPooling before the scores reads"
        if len(prob) != 2 or len(box) != 2:
            return hints.through(hints.name_of(self, int(len(prob) == 2)), "Flatten", "")
        if prob[1] < 2:
            return "num_output: 2 or more in the layer that predicts the scores: class 0 is the background"
        return f"num_output: {4 * prob[1]} in the layer that predicts the boxes"

    @property
    def overlaps(self) -> tuple[float, ...]:
        """The overlaps at which boxes are found."""
        if self.overlap:
            return self.overlap
        return tuple(0.5 + 0.05 * k for k in range(10)) if self.style == "coco" else (0.5,)

    def metric(self, top: int) -> Measure | None:
        return Measure(
            "average_precision", style=self.style, overlaps=self.overlaps, extent=self.extent,
            most=self.max_per_image, by_class=bool(top),
        )  # fmt: skip

    def lower(self, b: Builder, prob: Value, box: Value, rois: Value, gt: Value) -> tuple[Value, ...]:
        n, classes = gt.shape[0], prob.shape[1] - 1
        r = rois.shape[0] // n
        table, scores = self._found(b, prob, box, rois, n)
        capacity = min(r, self.max_per_image)
        index, count = b.nms(b.slice(table, 2, 1, 5), scores, self.nms_thresh, capacity, 0, self.extent)
        rows = b.gather(table, index, lead=1)
        b.statistic("detections", b.reshape(rows, (n, classes, capacity, 5)))
        b.statistic("found", b.reshape(b.to_float(count), (n, classes)))
        b.statistic("boxes", gt)
        # the figure itself is made on the host: it needs the scores of all images in one order
        return (b.full((), 0.0), b.full((classes,), 0.0))[: max(1, len(self.top_names))]

    def _found(self, b: Builder, prob: Value, box: Value, rois: Value, n: int) -> tuple[Value, Value]:
        """(score, x1, y1, x2, y2) of each image and class, (N classes) x R x 5, and scores with -inf for none."""
        total, c = prob.shape
        r = total // n
        steps = b.reshape(b.stop_gradient(box), (total, c, 4))
        means, stds = (b.literal(boxes.of_four(v)) for v in (self.box_means, self.box_stds))
        region = boxes.reshaped(b, boxes.parts(b, b.slice(b.stop_gradient(rois), 1, 1, 5)), (total, 1, 1))
        found = boxes.moved(b, region, boxes.parts(b, steps * stds + means), self.extent)
        marks = b.reshape(b.stop_gradient(prob), (total, c, 1))
        usable = b.reshape(b.slice(rois, 1, 0, 1), (total, 1, 1)) >= 0.0
        usable = b.both(usable, marks > self.score_thresh)
        rows = b.concat([marks, *found, b.where(usable, marks, float("-inf"))], -1)
        sorted_rows = b.transpose(b.reshape(b.slice(rows, 1, 1, c), (n, r, c - 1, 6)), (0, 2, 1, 3))
        flat = b.reshape(sorted_rows, (n * (c - 1), r, 6))
        return b.slice(flat, 2, 0, 5), b.reshape(b.slice(flat, 2, 5, 6), (n * (c - 1), r))
