"""Rows of the layers for detection, as in layer_cases."""

from __future__ import annotations

from typing import Any

import detection_formulas as plain
import numpy as np
from layer_cases import case
from layer_support import Array, Case, Draw

from netspec.layers.anchor_target import AnchorTarget
from netspec.layers.anchors import Anchors
from netspec.layers.average_precision import AveragePrecision
from netspec.layers.detection_output import DetectionOutput
from netspec.layers.multi_box_loss import MultiBoxLoss
from netspec.layers.nms import NMS
from netspec.layers.prior_box import PriorBox
from netspec.layers.proposal import Proposal
from netspec.layers.proposal_target import ProposalTarget
from netspec.layers.roi_align import RoIAlign
from netspec.layers.roi_pooling import RoIPooling


def whole_boxes(d: Draw, span: int, *shape: int) -> Array:
    """Boxes of whole numbers around and in an image of ``span`` pixels: overlaps of equal ones are equal."""
    low = d.random.integers(-2, span, (*shape, 2))
    return np.concatenate([low, low + d.random.integers(1, span, (*shape, 2))], -1).astype(np.float64)


def ground_truth(d: Draw, span: int, images: int, slots: int, classes: int) -> Array:
    """gt_boxes with empty slots, within the image."""
    boxes = np.clip(whole_boxes(d, span, images, slots), 0, span)
    return np.concatenate([boxes, d.random.integers(-1, classes, (images, slots, 1))], -1)


def region_rows(d: Draw, span: float, images: int, count: int) -> Array:
    """Regions of some image each, or of none."""
    corners = d.random.uniform(-0.2 * span, 1.2 * span, (count, 2, 2))
    corners.sort(1)
    return np.concatenate([d.random.integers(-1, images, (count, 1)), corners.reshape(count, 4)], 1)


@case
def roi_pooling(d: Draw) -> Case:
    x = d.values(*d.map_shape())
    n, c, h, w = x.shape
    bins, scale = (d.int(1, 3), d.int(1, 4)), d.choice(1.0, 0.5, 0.3)
    rois = region_rows(d, max(h, w) / scale, n, d.int(1, 5))
    layer = RoIPooling(pooled_h=bins[0], pooled_w=bins[1], spatial_scale=scale)

    def expected(p: dict[str, Array], x: Array, rois: Array) -> Array:
        y = np.zeros((len(rois), c, *bins))
        for r, (image, *corners) in enumerate(rois):
            x1, y1, x2, y2 = (int(np.sign(v) * np.floor(abs(v) + 0.5)) for v in np.multiply(corners, scale))
            for i, j in np.ndindex(*bins):
                cuts = []
                for k, count, low, high, limit in ((i, bins[0], y1, y2, h), (j, bins[1], x1, x2, w)):
                    size = max(high - low + 1, 1)
                    start, stop = low + k * size // count, low - (-(k + 1) * size // count)
                    cuts.append(slice(min(max(start, 0), limit), min(max(stop, 0), limit)))
                part = x[int(image), :, cuts[0], cuts[1]]
                if image >= 0 and part.size:
                    y[r, :, i, j] = part.max((1, 2))
        return y

    # a region moves its bins in jumps
    return Case(layer, [x, rois], expected, smooth=(0,))


@case
def nms(d: Draw) -> Case:
    n, k, capacity = d.int(1, 3), d.int(1, 20), d.int(1, 9)
    boxes, scores = whole_boxes(d, 9, n, k), d.random.integers(0, 5, (n, k)).astype(np.float64)
    layer = NMS(
        nms_thresh=d.choice(0.3, 0.5), capacity=capacity, pre_nms_top_n=d.choice(0, 5), inclusive=d.choice(False, True)
    )

    def expected(p: dict[str, Array], boxes: Array, scores: Array) -> tuple[Array, ...]:
        index, count = np.full((n, capacity), -1), np.zeros(n)
        rule = (layer.nms_thresh, capacity, layer.pre_nms_top_n, layer.extent)
        for i in range(n):
            kept = plain.greedy(boxes[i], scores[i], *rule)
            index[i, : len(kept)], count[i] = kept, len(kept)
        return index, count

    return Case(layer, [boxes, scores], expected, tops=("index", "count"), smooth=())


@case
def anchors(d: Draw) -> Case:
    x = d.values(*d.map_shape())
    layer = Anchors(
        stride=d.choice(4, 16), base_size=d.choice(8, 16), ratios=(0.5, 1.0, 2.0), scales=(1.0, d.choice(2.5, 8.0))
    )

    def expected(p: dict[str, Array], x: Array) -> Array:
        found = []
        middle = (layer.base_size - 1) / 2
        for row, column in np.ndindex(*x.shape[2:]):
            for ratio in layer.ratios:
                w = np.round(np.sqrt(layer.base_size * layer.base_size / ratio))
                h = np.round(w * ratio)
                for s in layer.scales:
                    cx, cy = middle + column * layer.stride, middle + row * layer.stride
                    found.append(
                        (cx - (w * s - 1) / 2, cy - (h * s - 1) / 2, cx + (w * s - 1) / 2, cy + (h * s - 1) / 2)
                    )
        return np.array(found)

    return Case(layer, [x], expected, smooth=())


def placed_anchors(d: Draw, h: int, w: int, count: int) -> Array:
    """Anchors of whole numbers around the places of a map, 4 pixels apart."""
    base = whole_boxes(d, 6, count)
    rows, columns = np.meshgrid(np.arange(h) * 4, np.arange(w) * 4, indexing="ij")
    return (np.stack([columns, rows, columns, rows], -1)[:, :, None] + base).reshape(-1, 4)


def image_sizes(d: Draw, n: int, h: int, w: int) -> tuple[dict[str, Any], list[Array], Array]:
    """The size of the images as a field or as a bottom, and as an array either way."""
    if d.choice(False, True):
        return {"image_size": (4 * h, 4 * w)}, [], np.tile([4 * h, 4 * w, 1.0], (n, 1))
    info = np.stack([4.0 * h + d.random.integers(0, 3, n), 4.0 * w - d.random.integers(0, 3, n), np.full(n, 1.5)], 1)
    return {}, [info], info


@case
def proposal(d: Draw) -> Case:
    n, count, h, w = d.int(1, 2), d.int(1, 3), d.int(1, 5), d.int(1, 5)
    both, capacity = d.choice(1, 2), d.int(1, 6)
    scores, deltas = d.values(n, both * count, h, w), d.values(n, 4 * count, h, w)
    boxes = placed_anchors(d, h, w, count)
    fields, more, sizes = image_sizes(d, n, h, w)
    layer = Proposal(
        pre_nms_top_n=d.choice(0, 7), post_nms_top_n=capacity, nms_thresh=0.55, min_size=2.25,
        inclusive=d.choice(False, True), **fields,
    )  # fmt: skip

    def expected(p: dict[str, Array], scores: Array, deltas: Array, boxes: Array, *_: Array) -> tuple[Array, ...]:
        rois, chosen = np.tile([-1.0, 0, 0, 0, 0], (n * capacity, 1)), np.zeros(n * capacity)
        kept_of = np.zeros(n)
        for i, (rows, columns, scale) in enumerate(sizes):
            marks, found = [], []
            for k, anchor in enumerate(boxes):
                place, a = divmod(k, count)
                r, c = divmod(place, w)
                box = np.array(plain.move(anchor, deltas[i, 4 * a : 4 * a + 4, r, c], layer.extent))
                sides = np.array([columns, rows, columns, rows])
                box = np.clip(box, 0, sides - layer.extent)
                found.append(box)
                least = min(box[2] - box[0], box[3] - box[1]) + layer.extent
                marks.append(scores[i, a - count, r, c] if least >= 2.25 * scale else -np.inf)
            kept = plain.greedy(np.array(found), np.array(marks), 0.55, capacity, layer.pre_nms_top_n, layer.extent)
            kept_of[i] = len(kept)
            for slot, k in enumerate(kept):
                rois[i * capacity + slot] = i, *found[k]
                chosen[i * capacity + slot] = marks[k]
        return rois, chosen, kept_of

    return Case(layer, [scores, deltas, boxes, *more], expected, tops=("rois", "scores", "count"), smooth=())


@case
def anchor_target(d: Draw) -> Case:
    n, count, h, w = d.int(1, 2), d.int(1, 3), d.int(1, 5), d.int(1, 5)
    scores = d.values(n, d.choice(1, 2) * count, h, w)
    boxes, gt = placed_anchors(d, h, w, count), ground_truth(d, 4 * min(h, w), n, d.int(1, 4), 3)
    fields, more, sizes = image_sizes(d, n, h, w)
    layer = AnchorTarget(
        positive_overlap=0.5, negative_overlap=0.25, batch_size=d.choice(1, 4, 6, 256),
        fg_fraction=d.choice(0.0, 0.5, 1.0), allowed_border=d.choice(0.0, 2.0),
        inclusive=d.choice(False, True), **fields,
    )  # fmt: skip

    def expected(p: dict[str, Array], scores: Array, boxes: Array, gt: Array, *_: Array) -> tuple[Array, ...]:
        k = h * w * count
        # a quota of nothing needs no numbers
        keys = [plain.uniform(t, n, k) for t in (0, 1)]
        made = [plain.anchor_targets(boxes, gt[i], sizes[i], layer, (keys[0][i], keys[1][i])) for i in range(n)]
        labels, *maps = (np.stack(v) for v in zip(*made, strict=True))
        shaped = [v.reshape(n, h, w, 4 * count).transpose(0, 3, 1, 2) for v in maps]
        return labels.reshape(n, h, w, count).transpose(0, 3, 1, 2).reshape(n, 1, count * h, w), *shaped

    tops = ("label", "target", "inside", "outside")
    return Case(layer, [scores, boxes, gt, *more], expected, tops=tops, smooth=())


@case
def proposal_target(d: Draw) -> Case:
    n, count, slots, classes = d.int(1, 2), d.int(1, 12), d.int(1, 3), d.int(2, 4)
    boxes = whole_boxes(d, 8, n, count)
    numbers = np.where(d.random.random((n, count, 1)) < 0.8, np.arange(n)[:, None, None], -1)
    rois = np.concatenate([numbers, boxes], -1).reshape(-1, 5)
    gt = ground_truth(d, 8, n, slots, classes)
    layer = ProposalTarget(
        num_classes=classes, batch_size=d.choice(1, 3, 8, 30), fg_fraction=d.choice(0.25, 1.0), fg_thresh=0.5,
        bg_thresh_lo=d.choice(0.0, 0.1), bg_thresh_hi=d.choice(0.4, 0.5), inclusive=d.choice(False, True),
        box_means=d.choice((0.0,), (0.1, 0.2, 0.3, 0.4)), box_stds=d.choice((0.5,), (0.1, 0.1, 0.2, 0.2)),
    )  # fmt: skip

    def expected(p: dict[str, Array], rois: Array, gt: Array) -> tuple[Array, ...]:
        keys = [plain.uniform(t, n, count + slots) for t in (0, 1)]
        split = rois.reshape(n, count, 5)
        made = [plain.proposal_targets(split[i], gt[i], layer, (keys[0][i], keys[1][i]), i) for i in range(n)]
        return tuple(np.concatenate(v) for v in zip(*made, strict=True))

    tops = ("sampled", "label", "target", "inside", "outside")
    return Case(layer, [rois, gt], expected, tops=tops, smooth=())


@case
def prior_box(d: Draw) -> Case:
    x, image = d.values(*d.map_shape(1)), d.values(1, 3, d.int(5, 30), d.int(5, 30))
    sizes = d.choice((3.0,), (2.0, 5.0))
    layer = PriorBox(
        min_size=sizes, max_size=d.choice((), tuple(s + 1.5 for s in sizes)),
        aspect_ratio=d.choice((), (2.0,), (2.0, 3.0), (1.0, 0.5, 2.0)), flip=d.choice(True, False),
        clip=d.choice(True, False), variance=d.choice((0.1,), (0.1, 0.1, 0.2, 0.2)), step=d.choice(0.0, 3.0),
        step_h=d.choice(0.0, 2.0), offset=d.choice(0.5, 0.0), img_size=d.choice(0, 20), img_w=d.choice(0, 10),
    )  # fmt: skip
    size = image.shape[2:]
    return Case(layer, [x, image], lambda p, x, image: plain.prior_boxes(layer, *x.shape[2:], *size), smooth=())


@case
def average_precision(d: Draw) -> Case:
    n, r, classes = d.int(1, 2), d.int(1, 5), d.int(2, 4)
    prob, box = d.values(n * r, classes), d.values(n * r, 4 * classes)
    gt = ground_truth(d, 8, n, d.int(1, 3), classes)
    # the figure is made on the host: see tests/netspec/metrics
    made = lambda p, *_: (np.zeros(()), np.zeros(classes - 1))  # noqa: E731
    layer = AveragePrecision(max_per_image=d.int(1, 4))
    return Case(
        layer, [prob, box, region_rows(d, 8, n, n * r), gt], made, phase="test", tops=("mean", "each"), smooth=()
    )


@case
def roi_align(d: Draw) -> Case:
    x = d.values(*d.map_shape())
    n, c, h, w = x.shape
    bins, scale, ratio = (d.int(1, 3), d.int(1, 3)), d.choice(1.0, 0.5), d.int(1, 3)
    rois = region_rows(d, max(h, w) / scale, n, d.int(1, 4))
    layer = RoIAlign(
        pooled_h=bins[0], pooled_w=bins[1], spatial_scale=scale, sampling_ratio=ratio, aligned=d.choice(True, False)
    )

    def sample(plane: Array, y: float, x: float) -> float:
        """Bilinear, as torchvision and Detectron write it."""
        high, wide = plane.shape
        if y < -1 or y > high or x < -1 or x > wide:
            return 0.0
        y, x = min(max(y, 0.0), high - 1.0), min(max(x, 0.0), wide - 1.0)
        i, j = int(y), int(x)
        below, right = min(i + 1, high - 1), min(j + 1, wide - 1)
        fy, fx = y - i, x - j
        upper = plane[i, j] * (1 - fx) + plane[i, right] * fx
        lower = plane[below, j] * (1 - fx) + plane[below, right] * fx
        return float(upper * (1 - fy) + lower * fy)

    def expected(p: dict[str, Array], x: Array, rois: Array) -> Array:
        made = np.zeros((len(rois), c, *bins))
        shift = 0.5 if layer.aligned else 0.0
        for r, (image, *corners) in enumerate(rois):
            if image < 0:
                continue
            x1, y1, x2, y2 = np.multiply(corners, scale) - shift
            high, wide = (y2 - y1, x2 - x1) if layer.aligned else (max(y2 - y1, 1.0), max(x2 - x1, 1.0))
            for k, i, j in np.ndindex(c, *bins):
                total = 0.0
                for s, t in np.ndindex(ratio, ratio):
                    down = y1 + (i + (s + 0.5) / ratio) * high / bins[0]
                    across = x1 + (j + (t + 0.5) / ratio) * wide / bins[1]
                    total += sample(x[int(image), k], down, across)
                made[r, k, i, j] = total / ratio**2
        return made

    # the number of an image has no slope, and samples jump to 0 beyond the border: see test_detection_layers
    return Case(layer, [x, rois], expected, smooth=(0,))


def over_priors(d: Draw, classes: int) -> tuple[int, Array, Array, Array]:
    """Images, loc, conf and priors of a few places."""
    n, p = d.int(1, 2), d.int(1, 7)
    low = d.random.uniform(0, 0.6, (p, 2))
    corners = np.concatenate([low, low + d.random.uniform(0.2, 0.5, (p, 2))], 1)
    priors = np.stack([corners.ravel(), d.random.uniform(0.5, 2.0, 4 * p)])[None]
    return n, d.values(n, 4 * p), 3 * d.values(n, classes * p), priors


@case
def multi_box_loss(d: Draw) -> Case:
    classes, slots = d.int(2, 4), d.int(1, 3)
    n, loc, conf, priors = over_priors(d, classes)
    low = d.random.uniform(0, 0.6, (n, slots, 2))
    high = low + d.random.uniform(0.2, 0.5, (n, slots, 2))
    gt = np.concatenate([low, high, d.random.integers(0, classes, (n, slots, 1))], -1)
    layer = MultiBoxLoss(
        num_classes=classes, loc_loss_type=d.choice("SMOOTH_L1", "L2"), conf_loss_type=d.choice("SOFTMAX", "LOGISTIC"),
        loc_weight=d.choice(1.0, 0.25), match_type=d.choice("PER_PREDICTION", "BIPARTITE"),
        overlap_threshold=d.choice(0.5, 0.2), neg_pos_ratio=d.choice(3.0, 0.5), neg_overlap=d.choice(0.5, 0.3),
    )  # fmt: skip

    def expected(p: dict[str, Array], loc: Array, conf: Array, priors: Array, gt: Array) -> Array:
        split = loc.reshape(n, -1, 4), conf.reshape(n, -1, classes), priors.reshape(2, -1, 4)
        return np.array(plain.multi_box_loss(*split, gt, layer))

    return Case(layer, [loc, conf, priors, gt], expected, smooth=(0, 1))


@case
def detection_output(d: Draw) -> Case:
    classes = d.int(2, 4)
    n, loc, conf, priors = over_priors(d, classes)
    conf = 0.5 + conf / 7
    layer = DetectionOutput(
        num_classes=classes, nms_threshold=d.choice(0.3, 0.6), top_k=d.choice(0, 3), keep_top_k=d.int(1, 12),
        confidence_threshold=d.choice(0.0, 0.4),
    )  # fmt: skip

    def expected(p: dict[str, Array], loc: Array, conf: Array, priors: Array) -> tuple[Array, ...]:
        split = loc.reshape(n, -1, 4), conf.reshape(n, -1, classes), priors.reshape(2, -1, 4)
        return plain.detections(*split, layer)

    return Case(layer, [loc, conf, priors], expected, tops=("found", "count"), smooth=())
