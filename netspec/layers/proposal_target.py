"""ProposalTarget."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar

from netspec.layers import boxes
from netspec.layers.indices import first_largest
from netspec.layers.regions import check_regions
from netspec.layers.sampling import drawn
from netspec.spec.layer import Problem, Shape, field, layer

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value

NOBODY = -2.0
"""Key of what is neither an object nor background: below those of the background, which are -1 to 0."""


@layer
class ProposalTarget(boxes.Boxed):
    """Regions drawn for training the second stage, with the class and the box each should be given.

    Shapes
        rois : (N P) x 5 (number of the image, x1, y1, x2, y2; P rows for each image, one
        after another; a number below 0: an empty slot); gt_boxes : N x G x 5 (x1, y1, x2,
        y2, class; class 0: an empty slot) -> rois : (N B) x 5, labels : N B, targets,
        inside weights, outside weights : (N B) x 4 ``num_classes``; B = ``batch_size``.
        A slot for which there was no region has the number -1 and the label -1
        (``ignore_label: -1``).
    Formula
        The boxes themselves are regions too. One is an object if its largest overlap with
        a box is ``fg_thresh`` or more, background if that is from ``bg_thresh_lo`` up to,
        not including, ``bg_thresh_hi``. Of the objects no more than ``fg_fraction`` of B
        are drawn at random and come first, then as much background as there is room for.
        An object's label is the class of the first box that it overlaps with most,
        background has label 0. Targets are ((dx, dy, dw, dh) - means) / stds in the four
        columns of the class, weights 1 there, all others 0.
    Gradient
        None.
    Source
        Girshick 2015, 2.3; py-faster-rcnn ``ProposalTargetLayer``.
    Example
        inputs: {rois: {shape: [12, 5], batch: false}, gt_boxes: [3, 5]}
        layers:
          - name: sampled
            type: ProposalTarget
            bottom: [rois, gt_boxes]
            top: [sampled, label, target, inside, outside]
            num_classes: 3
            batch_size: 4
    """

    bottoms: ClassVar[tuple[int, int | None]] = (2, 2)
    tops: ClassVar[tuple[int, int | None]] = (5, 5)

    num_classes: int = field(minimum=2, doc="classes, the background (0) included")
    batch_size: int = field(128, minimum=1, doc="regions of an image that are drawn")
    fg_fraction: float = field(0.25, minimum=0, maximum=1, doc="objects among them, at most")
    fg_thresh: float = field(0.5, minimum=0, maximum=1, doc="overlap from which a region is an object")
    bg_thresh_hi: float = field(0.5, minimum=0, maximum=1, doc="overlap below which a region is background")
    bg_thresh_lo: float = field(0.0, minimum=0, maximum=1, doc="least overlap of background (Fast R-CNN: 0.1)")
    box_means: tuple[float, ...] = field((0.0,), doc="what is taken off the targets: one, or for dx, dy, dw, dh")
    box_stds: tuple[float, ...] = field((0.1, 0.1, 0.2, 0.2), above=0, doc="what they are divided by, likewise")

    def problems(self) -> Iterator[Problem]:
        yield from super().problems()
        yield from boxes.one_or_four(self, "box_means", "box_stds")

    def shapes(self, rois: Shape, gt: Shape) -> tuple[Shape, ...]:
        check_regions(rois)
        boxes.check_truth(gt, gt[0] if gt else 1)
        boxes.check_groups(rois, gt)
        rows = gt[0] * self.batch_size
        return (rows, 5), (rows,), *((rows, 4 * self.num_classes),) * 3

    def lower(self, b: Builder, rois: Value, gt: Value) -> tuple[Value, ...]:
        n, g = gt.shape[:2]
        k = rois.shape[0] // n + g
        gt = b.stop_gradient(gt)
        table, real = self._candidates(b, b.reshape(b.stop_gradient(rois), (n, k - g, 5)), gt)
        known = boxes.truth(b, gt)
        overlap = boxes.overlaps(b, boxes.parts(b, table), known.box, self.extent)
        best, match = first_largest(b, b.where(b.both(known.real, real), overlap, -1.0), -1)
        # a place without any box is background too: its overlap counts as 0
        best = b.maximum(best, 0.0)
        is_object = b.both(real, best >= self.fg_thresh)
        is_ground = b.both(
            b.both(real, b.invert(is_object)), b.both(best >= self.bg_thresh_lo, best < self.bg_thresh_hi)
        )
        index, is_object, taken = self._sampled(b, b.reshape(is_object, (n, k)), b.reshape(is_ground, (n, k)))

        matched = [boxes.picked(b, match, v) for v in (*known.box, known.label)]
        rows = b.gather(b.concat([table, *matched], -1), index, lead=1)
        number = b.to_float(b.where(taken, b.index(taken.shape, 0), -1))
        label = b.where(is_object, b.apply("to_int", b.slice(rows, -1, 8, 9)), b.where(taken, 0, -1))
        corners = b.where(taken, b.slice(rows, -1, 0, 4), 0.0)
        total = n * self.batch_size
        flat = b.reshape(label, (total,))
        return b.reshape(b.concat([number, corners], -1), (total, 5)), flat, *self._targets(b, rows, flat)

    @staticmethod
    def _candidates(b: Builder, rois: Value, gt: Value) -> tuple[Value, Value]:
        """Regions and boxes, N x K x 4, and which of them are any, N x K x 1."""
        kept = b.slice(rois, -1, 0, 1) >= 0.0
        real = b.slice(gt, -1, 4, 5) > 0.0
        flags = b.concat([b.to_float(kept), b.to_float(real)], 1)
        return b.concat([b.slice(rois, -1, 1, 5), b.slice(gt, -1, 0, 4)], 1), flags > 0.0

    def _sampled(self, b: Builder, is_object: Value, is_ground: Value) -> tuple[Value, Value, Value]:
        """Of the drawn ones, objects first: number, b1 object, b1 anything at all; N x B, N x B x 1 twice."""
        n, k = is_object.shape
        most = int(self.fg_fraction * self.batch_size + 0.5)
        keys = b.uniform((n, k))
        chosen = drawn(b, is_object, keys, most, most)
        # multiples of 2^-24 from -1 to 1 are exact: no two keys become one in float32
        marks = b.where(chosen, keys, b.where(is_ground, b.uniform((n, k)) - 1.0, NOBODY))
        short = self.batch_size - k
        if short > 0:
            marks = b.concat([marks, b.full((n, short), NOBODY)], 1)
        values, index = b.top_k(marks, self.batch_size)
        column = b.reshape(values, (n, self.batch_size, 1))
        return index, column >= 0.0, column > NOBODY

    def _targets(self, b: Builder, rows: Value, label: Value) -> tuple[Value, Value, Value]:
        """Targets and weights, (N B) x 4 classes, from the rows of region, box and class."""
        total, c = label.shape[0], self.num_classes
        region, box = boxes.parts(b, rows), boxes.parts(b, b.slice(rows, -1, 4, 8))
        steps = b.reshape(b.concat(boxes.offsets(b, region, box, self.extent), -1), (total, 1, 4))
        means, stds = (b.literal(boxes.of_four(v)) for v in (self.box_means, self.box_stds))
        steps = (steps - means) / stds
        column = b.reshape(label, (total, 1, 1))
        here = b.both(b.equal(b.index((1, c, 1), 1), column), column > 0)
        targets = b.reshape(b.where(here, steps, 0.0), (total, 4 * c))
        weights = b.reshape(b.broadcast_to(b.to_float(here), (total, c, 4)), (total, 4 * c))
        return targets, weights, weights
