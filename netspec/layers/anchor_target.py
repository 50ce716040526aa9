"""AnchorTarget."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from netspec.layers import boxes
from netspec.layers.axes import four_axes
from netspec.layers.indices import first_largest
from netspec.layers.proposal import check_anchors
from netspec.layers.sampling import drawn
from netspec.spec.layer import Shape, field, layer

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value


@layer
class AnchorTarget(boxes.Framed):
    """What a region proposal net should say of each anchor: object or background, and how to move it.

    Shapes
        scores : N x A x H x W or N x 2A x H x W (only its size is read); anchors :
        (H W A) x 4; gt_boxes : N x G x 5 (x1, y1, x2, y2, class; class 0: an empty slot);
        im_info : N x 3 (rows, columns, scale; left out with ``image_size``) ->
        labels : N x 1 x (A H) x W (1 object, 0 background, -1 neither: ``ignore_label: -1``);
        targets, inside weights, outside weights : N x 4A x H x W.
    Formula
        Anchors that reach over the image by more than ``allowed_border`` do not count. One
        is an object if it overlaps with a box by ``positive_overlap`` or more, or no anchor
        overlaps with that box more; background if its overlaps are all below
        ``negative_overlap``. Of the objects no more than ``fg_fraction`` of ``batch_size``
        are drawn at random, of the background as many as are left; the others are neither.
        Targets are (dx, dy, dw, dh) to the box with the largest overlap, the first of
        equal ones; inside weights 1 at objects, outside weights 1 / (drawn of the image).
    Gradient
        None.
    Source
        Ren et al. 2015, 3.1.2; py-faster-rcnn ``AnchorTargetLayer`` for one image.
    Example
        inputs: {scores: [4, 6, 6], gt_boxes: [3, 5]}
        layers:
          - {name: anchors, type: Anchors, bottom: scores, stride: 8, ratios: [1], scales: [1, 2]}
          - name: targets
            type: AnchorTarget
            bottom: [scores, anchors, gt_boxes]
            top: [label, target, inside, outside]
            image_size: [48, 48]
    """

    bottoms: ClassVar[tuple[int, int | None]] = (3, 4)
    tops: ClassVar[tuple[int, int | None]] = (4, 4)

    positive_overlap: float = field(0.7, minimum=0, maximum=1, doc="overlap from which an anchor is an object")
    negative_overlap: float = field(0.3, minimum=0, maximum=1, doc="overlap below which it is background")
    batch_size: int = field(256, minimum=1, doc="anchors of an image that count")
    fg_fraction: float = field(0.5, minimum=0, maximum=1, doc="objects among them, at most")
    allowed_border: float = field(0.0, doc="how far an anchor may reach over the image", unit="pixels")

    def shapes(self, scores: Shape, anchors: Shape, gt: Shape, info: Shape | None = None) -> tuple[Shape, ...]:
        four_axes("AnchorTarget", scores)
        n, _, h, w = scores
        count = check_anchors(anchors, h, w)
        boxes.check_truth(gt, n)
        self.check_frame(info, n)
        return ((n, 1, count * h, w), *((n, 4 * count, h, w),) * 3)

    def lower(
        self, b: Builder, scores: Value, anchors: Value, gt: Value, info: Value | None = None
    ) -> tuple[Value, ...]:
        n, k, (h, w) = scores.shape[0], anchors.shape[0], scores.shape[2:]
        box = boxes.reshaped(b, boxes.parts(b, b.stop_gradient(anchors)), (1, k, 1))
        real = boxes.truth(b, b.stop_gradient(gt))
        inside = self._inside(b, box, info)
        overlap = b.where(b.both(real.real, inside), boxes.overlaps(b, box, real.box, self.extent), -1.0)
        best, match = first_largest(b, overlap, -1)
        most = b.max(overlap, 1)
        leads = b.max(b.to_float(b.both(b.equal(overlap, most), most > 0.0)), -1) > 0.0
        is_object = b.both(b.either(best >= self.positive_overlap, leads), inside)
        is_ground = b.both(b.both(best < self.negative_overlap, b.invert(is_object)), inside)
        is_object, is_ground, share = self._sampled(b, b.reshape(is_object, (n, k)), b.reshape(is_ground, (n, k)))

        count = k // (h * w)
        label = b.reshape(b.where(is_object, 1, b.where(is_ground, 0, -1)), (n, h, w, count))
        object_column = b.reshape(is_object, (n, k, 1))
        target = boxes.Box(*(boxes.picked(b, match, v) for v in real.box))
        steps = [b.where(object_column, v, 0.0) for v in boxes.offsets(b, box, target, self.extent)]
        counts = b.reshape(b.to_float(b.either(is_object, is_ground)), (n, k, 1)) * b.reshape(share, (n, 1, 1))
        inner = b.broadcast_to(b.to_float(object_column), (n, k, 4))
        maps = [b.concat(steps, -1), inner, b.broadcast_to(counts, (n, k, 4))]
        shaped = (b.transpose(b.reshape(v, (n, h, w, 4 * count)), (0, 3, 1, 2)) for v in maps)
        return b.reshape(b.transpose(label, (0, 3, 1, 2)), (n, 1, count * h, w)), *shaped

    def _inside(self, b: Builder, box: boxes.Box, info: Value | None) -> Value:
        rows, columns, _ = self.frame(b, info)
        border = self.allowed_border
        wide, high = columns + border, rows + border
        # the last pixel of an image is at W - 1, its right side at W
        below = (box.right < wide, box.bottom < high) if self.inclusive else (box.right <= wide, box.bottom <= high)
        above = b.both(box.left >= -border, box.top >= -border)
        return b.both(above, b.both(*below))

    def _sampled(self, b: Builder, is_object: Value, is_ground: Value) -> tuple[Value, Value, Value]:
        """The objects and the background that are drawn, and 1 / their number, N x 1."""
        most = int(self.fg_fraction * self.batch_size)
        is_object = drawn(b, is_object, b.uniform(is_object.shape), most, most)
        objects = b.sum(is_object, 1)
        is_ground = drawn(b, is_ground, b.uniform(is_ground.shape), self.batch_size - objects, self.batch_size)
        return is_object, is_ground, 1.0 / b.maximum(objects + b.sum(is_ground, 1), 1.0)
