"""MultiBoxLoss."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from netspec.layers import boxes, distances, labels
from netspec.layers.indices import first_largest
from netspec.layers.neuron import softplus
from netspec.layers.priors import OverPriors
from netspec.layers.sampling import drawn
from netspec.spec.layer import Measure, Shape, field, layer

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value

TAKEN, GONE = 3.0, -1.0
"""What stands in a table of overlaps where a pair is made, and in the rest of its row and column."""
LEAST_OVERLAP = 1e-6
"""Pairs that overlap no more are not made (Caffe)."""


@layer
class MultiBoxLoss(OverPriors):
    """SSD's loss: offsets of the priors that are matched with a box, classes of those and of the hardest others.

    Shapes
        loc : N x 4P, conf : N x C P (scores before a softmax), priors : 1 x 2 x 4P of
        PriorBox, gt_boxes : N x G x 5 (x1, y1, x2, y2 as parts of the image, class; class
        0: an empty slot) -> loss : a single number.
    Formula
        The prior and the box that overlap most make a pair, then the next two, until no
        box is left; with PER_PREDICTION every other prior takes the first box that it
        overlaps with most, if by ``overlap_threshold``. Those without a box and with
        overlaps below ``neg_overlap`` are background; of an image's the
        ``neg_pos_ratio`` times as many as matched ones count whose class costs most.
        ``(sum of class losses + loc_weight sum of losses of the offsets) / matched``;
        offsets are (dx, dy, dw, dh) over the variances. A test weighs a batch by its
        matched priors.
    Gradient
        To loc and conf; none through the choice of pairs and of the hardest.
    Source
        Liu et al. 2016, 2.2; NVIDIA Caffe ``MultiBoxLossLayer`` with CENTER_SIZE, VALID
        and MAX_NEGATIVE.
    Example
        inputs: {x: [8, 4, 4], image: [3, 32, 32], loc: [128], conf: [96], gt_boxes: [3, 5]}
        layers:
          - {name: priors, type: PriorBox, bottom: [x, image], min_size: 8, max_size: 16}
          - {name: loss, type: MultiBoxLoss, bottom: [loc, conf, priors, gt_boxes], num_classes: 3}
    """

    bottoms: ClassVar[tuple[int, int | None]] = (4, 4)
    is_loss: ClassVar[bool] = True

    loc_loss_type: str = field("SMOOTH_L1", choices=("SMOOTH_L1", "L2"), doc="loss of the offsets")
    conf_loss_type: str = field("SOFTMAX", choices=("SOFTMAX", "LOGISTIC"), doc="loss of the classes")
    loc_weight: float = field(1.0, minimum=0, doc="factor of the offsets' loss")
    match_type: str = field(
        "PER_PREDICTION", choices=("PER_PREDICTION", "BIPARTITE"), doc="whether a box may have several priors"
    )
    overlap_threshold: float = field(0.5, minimum=0, maximum=1, doc="overlap from which a prior takes a box")
    neg_pos_ratio: float = field(3.0, minimum=0, doc="background priors that count for each matched one")
    neg_overlap: float = field(0.5, minimum=0, maximum=1, doc="overlap below which a prior may be background")

    def shapes(self, loc: Shape, conf: Shape, priors: Shape, gt: Shape) -> Shape:
        self.check_priors(loc, conf, priors)
        boxes.check_truth(gt, loc[0])
        return ()

    def metric(self, top: int) -> Measure | None:
        return Measure("mean", weight="matched")

    def lower(self, b: Builder, loc: Value, conf: Value, priors: Value, gt: Value) -> Value:
        n, p, c = loc.shape[0], priors.shape[2] // 4, self.num_classes
        prior, variance = self.prior_parts(b, priors)
        known = boxes.truth(b, b.stop_gradient(gt))
        overlap = b.where(known.real, boxes.overlaps(b, prior, known.box, 0.0), -1.0)
        best, first = first_largest(b, overlap, -1)
        match = self._match(b, overlap, best, first)
        positive = b.max(b.to_float(match), -1) > 0.0
        label = boxes.picked(b, match, known.label)

        cost = self._class_loss(b, b.reshape(conf, (n, p, c)), label)
        matched = b.sum(positive, 1)
        free = b.both(b.invert(positive), best < self.neg_overlap)
        # whole numbers from here on: a part of a prior does not count
        quota = b.apply("floor", b.reshape(matched, (n, 1)) * self.neg_pos_ratio + 1e-3)
        keys = b.reshape(b.stop_gradient(cost), (n, p))
        hard = b.reshape(drawn(b, b.reshape(free, (n, p)), keys, quota, p), (n, p, 1))
        classes = b.sum(b.where(b.either(positive, hard), cost, 0.0))

        target = boxes.Box(*(boxes.picked(b, match, v) for v in known.box))
        aims = [v / w for v, w in zip(boxes.offsets(b, prior, target, 0.0), variance, strict=True)]
        aim = b.where(positive, b.concat(aims, -1), 0.0)
        apart = b.where(positive, b.reshape(loc, (n, p, 4)) - aim, 0.0)
        total = b.as_scalar(classes + b.sum(self._offset_loss(b, apart)) * self.loc_weight)
        count = b.as_scalar(b.sum(matched))
        b.statistic("matched", count)
        return total / b.maximum(count, 1.0)

    def _match(self, b: Builder, overlap: Value, best: Value, first: Value) -> Value:
        """b1, N x P x G: which prior has which box."""
        p, g = overlap.shape[1:]
        rows, columns = b.index((1, p, 1), 1), b.index((1, 1, g), 2)
        place = b.to_float(rows) * float(g) + b.to_float(columns)
        table = overlap
        for _ in range(min(p, g)):
            open_ones = b.where(table < 2.0, table, GONE)
            top = b.max(open_ones, (1, 2))
            at = -b.max(b.where(b.equal(open_ones, top), -place, -float(p * g)), (1, 2))
            row = b.apply("floor", (at + 0.5) / float(g))
            here, there = b.equal(b.to_float(rows), row), b.equal(b.to_float(columns), at - row * float(g))
            made = top > LEAST_OVERLAP
            struck = b.where(b.both(b.either(here, there), table < 2.0), GONE, table)
            table = b.where(made, b.where(b.both(here, there), TAKEN, struck), table)
        pairs = table > 2.0
        if self.match_type == "BIPARTITE":
            return pairs
        single = b.max(b.to_float(pairs), -1) > 0.0
        others = b.both(b.both(first, best >= self.overlap_threshold), b.invert(single))
        return b.either(pairs, others)

    def _class_loss(self, b: Builder, scores: Value, label: Value) -> Value:
        """What each prior's class costs, N x P x 1."""
        if self.conf_loss_type == "SOFTMAX":
            return labels.entropy(b, scores, label, 2)
        return b.sum(softplus(b, scores), 2) - labels.picked(b, scores, label, 2)

    def _offset_loss(self, b: Builder, apart: Value) -> Value:
        return 0.5 * apart * apart if self.loc_loss_type == "L2" else distances.huber(b, apart, 1.0)
